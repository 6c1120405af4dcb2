// vscode-jsonrpc against the daemon whose socket is the argument. Every line that it prints is a fact that the test expects.
const net = require('net');
const rpc = require('vscode-jsonrpc/node');

async function main() {
    const socket = net.connect(process.argv[2]);
    const connection = rpc.createMessageConnection(new rpc.StreamMessageReader(socket), new rpc.StreamMessageWriter(socket));
    const statuses = [];
    connection.onNotification('JOB_STATUS_CHANGE', ({ data }) => statuses.push(data.status));
    connection.onError(([error]) => console.log('error', error.message));
    connection.listen();

    // The job of a command that its client waits for is an event for watchers only.
    await connection.sendRequest('memdev-watch', true);
    const size = 64 * 1024 * 1024;
    await connection.sendRequest('object-add', { 'qom-type': 'memory-backend-memfd', id: 'm', size });
    console.log('size', await connection.sendRequest('qom-get', 'm', 'size'));
    console.log('none', (await connection.sendRequest('query-memdev')).length);

    const refused = await connection.sendRequest('object-del', { id: 'x' }).catch(error => error);
    console.log('refused', refused.code, refused.message, refused.data.class);
    const unknown = await connection.sendRequest('nonsense').catch(error => error);
    console.log('unknown', unknown.code === rpc.ErrorCodes.MethodNotFound);

    let last;
    connection.onProgress(new rpc.ProgressType(), 'token', value => (last = value));
    await connection.sendRequest('qom-set', { path: 'm', property: 'prealloc', value: true, $progress: 'token' });
    console.log('progress', last.current, last.total);

    const source = new rpc.CancellationTokenSource();
    const large = { 'qom-type': 'memory-backend-memfd', id: 'large', size: 3 * 1024 * 1024 * 1024, prealloc: true };
    const adding = connection.sendRequest('object-add', large, source.token).catch(error => error);
    while ((await connection.sendRequest('query-jobs')).length === 0);
    source.cancel();
    const cancelled = await adding;
    console.log('cancelled', cancelled.code, (await connection.sendRequest('query-memdev')).length);

    await connection.sendNotification('object-del', { id: 'm' });
    console.log('deleted', (await connection.sendRequest('query-memdev')).length);
    console.log('statuses', statuses.includes('running'));
    const many = await Promise.all(Array.from({ length: 50 }, () => connection.sendRequest('query-name')));
    console.log('many', many.length);
    connection.dispose();
    socket.destroy();
}

main().catch(error => {
    console.error(error);
    process.exit(1);
});
