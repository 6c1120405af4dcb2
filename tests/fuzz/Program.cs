using HostMemd.Fuzz;

// fuzz [--mode session|daemon|both|compare] [--seconds N | --count N] [--seed N] [--connections N] [--daemon PATH] [--qemu COMMAND [--qemu-folder PATH]]
//
// Throws mutated sessions at the protocol and checks what comes back. Ends with 0 when every rule held; the seed it prints makes
// the same inputs again (what threads and sockets make of them is not repeated).
//   session  in this process: bytes into JsonReader and Session, commands on a Daemon without sockets
//   daemon   the built executable, over its socket, with descriptors and random ends
//   rpc      its JSON-RPC socket, in both framings
//   both     a fifth of the time for the first, the rest for the other two
//   compare  the same sessions to QEMU and to us; prints where they differ, by kind. COMMAND starts a QEMU that listens at SOCKET;
//            one in a root of its own sees the socket's folder as PATH
var options = FuzzOptions.Parse(args);
if (options is null)
    return 2;
Console.WriteLine($"fuzz: seed {options.Seed}");
return options.Mode switch
{
    "session" => InProcess.Run(options),
    "daemon" => OverSocket.Run(options),
    "rpc" => RpcOverSocket.Run(options),
    "compare" => Differential.Run(options),
    _ => Both(options),
};

static int Both(FuzzOptions options)
{
    var status = InProcess.Run(options with { Seconds = options.Seconds / 5, Count = options.Count * 4 / 5 });
    var half = options with { Seconds = options.Seconds * 2 / 5, Count = options.Count / 10 };
    return Math.Max(status, Math.Max(OverSocket.Run(half), RpcOverSocket.Run(half)));
}
