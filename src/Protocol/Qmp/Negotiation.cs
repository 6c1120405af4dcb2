using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Protocol.Qmp;

/// <summary>The command that every QMP client sends first.</summary>
public static class Negotiation
{
    internal const string Command = "qmp_capabilities";

    static readonly QapiEnum<Capability> s_capability = new("QMPCapability", ("oob", Capability.OutOfBand));

    enum Capability { OutOfBand }

    /// <summary>The command's row. For a client of a protocol that negotiates nothing the negotiation is complete already.</summary>
    public static Command Row() => Define.Command(Command, "Complete the negotiation. Every client sends it first.", None,
        Opt("enable", ListOf(s_capability), "Capabilities of the greeting to use."), (call, enable) =>
        {
            if (call.Client is not Session session)
                throw QmpErrors.AlreadyNegotiated();
            session.Negotiate(enable?.Contains(Capability.OutOfBand) ?? false);
            return default(Nothing);
        }).ForObservers()
        .Example("""{"enable": ["oob"]}""")
        .Fails(QmpErrors.AlreadyNegotiated(), "");
}
