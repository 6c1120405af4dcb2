using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;

namespace HostMemd.Protocol.Qmp;

/// <summary>The envelope of a command. Members are checked in the order in which QEMU walks them; the first fault is reported.</summary>
/// <param name="Command">The command's name; empty when the envelope is faulty.</param>
/// <param name="Id">Echoed by the reply; null when the client sent no <c>id</c>. JSON's null is an id.</param>
/// <param name="DescriptorBatch">The batch of <see cref="ReceivedDescriptors"/> that belongs to this message.</param>
public readonly record struct Request(string Command, Members Arguments, Value? Id, bool OutOfBand, long DescriptorBatch)
{
    /// <summary>Reads the envelope. After a fault <paramref name="request"/> still has the id, which the error echoes.</summary>
    public static QmpException? Read(Value message, bool outOfBandEnabled, long descriptorBatch, out Request request)
    {
        if (!message.TryObject(out var members))
        {
            request = new("", Members.None, null, false, descriptorBatch);
            return QmpErrors.NotAnObject();
        }
        Value? id = members.TryGet("id", out var given) ? given : null;
        request = new("", Members.None, id, false, descriptorBatch);
        if (IsPlain(members, out var command, out var arguments))
        {
            request = request with { Command = command, Arguments = arguments };
            return null;
        }
        return ReadInOrder(members, outOfBandEnabled, ref request);
    }

    // The envelope of nearly every request: execute, perhaps arguments, perhaps id, and no fault.
    static bool IsPlain(Members members, out string command, out Members arguments)
    {
        command = "";
        arguments = Members.None;
        var found = 0;
        foreach (var (name, value) in members.Span)
        {
            switch (name)
            {
                case "execute" when value.TryString(out var text):
                    command = text;
                    found++;
                    break;
                case "arguments" when value.TryObject(out var given):
                    arguments = given;
                    break;
                case "id":
                    break;
                default:
                    return false;
            }
        }
        return found == 1;
    }

    static QmpException? ReadInOrder(Members members, bool outOfBandEnabled, ref Request request)
    {
        string? command = null;
        var outOfBand = false;
        foreach (var (name, value) in QDictOrder.Sort(members))
        {
            switch (name)
            {
                case "exec-oob" when !outOfBandEnabled:
                    return QmpErrors.MemberUnexpected(name);
                case "execute" or "exec-oob":
                    if (!value.TryString(out var text))
                        return QmpErrors.MemberMustBe(name, "a string");
                    if (command is not null)
                        return QmpErrors.MembersClash();
                    command = text;
                    outOfBand = name == "exec-oob";
                    break;
                case "arguments":
                    if (!value.TryObject(out var arguments))
                        return QmpErrors.MemberMustBe(name, "an object");
                    request = request with { Arguments = arguments };
                    break;
                case "id":
                    break;
                default:
                    return QmpErrors.MemberUnexpected(name);
            }
        }
        if (command is null)
            return QmpErrors.LacksExecute();
        request = request with { Command = command, OutOfBand = outOfBand };
        return null;
    }
}
