using System.Diagnostics;
using System.Net.Sockets;
using StreamJsonRpc;

// rpc-peer SOCKET: answers qom-get with a number and object-add with an object, as StreamJsonRpc's own server does it by its own guide.
using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
listener.Bind(new UnixDomainSocketEndPoint(args[0]));
listener.Listen(4096);
var silent = new TraceSource("silent", SourceLevels.Off);
while (true)
{
    var stream = new NetworkStream(await listener.AcceptAsync(), ownsSocket: true);
    var rpc = new JsonRpc(new NewLineDelimitedMessageHandler(stream, stream, new SystemTextJsonFormatter())) { TraceSource = silent };
    rpc.AddLocalRpcMethod("qom-get", (string path, string property) => 4096L);
    rpc.AddLocalRpcMethod("object-add", new Func<Dictionary<string, object?>>(() => []));
    rpc.StartListening();
}
