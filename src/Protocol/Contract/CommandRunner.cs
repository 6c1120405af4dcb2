using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>Runs one command; the daemon supplies it to each front end.</summary>
/// <exception cref="QmpException">The command was refused. Nothing else is thrown.</exception>
public delegate ValueTask<Value> CommandRunner(Call call);
