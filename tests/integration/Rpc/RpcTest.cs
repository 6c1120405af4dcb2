using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Rpc;

/// <summary>A test with a daemon that serves JSON-RPC beside QMP.</summary>
public abstract class RpcTest(ITestOutputHelper output) : DaemonTest(output)
{
    protected string RpcPath => Path.Combine(Folder, "rpc.sock");

    private protected DaemonProcess Serve(params string[] arguments) => Start(["--jsonrpc", $"unix:{RpcPath}", .. arguments]);

    private protected RpcClient Client(bool headers = false)
    {
        if (!File.Exists(RpcPath))
            Serve();
        return Keep(new RpcClient(RpcPath, headers));
    }
}
