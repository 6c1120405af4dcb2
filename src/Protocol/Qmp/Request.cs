using HostMemd.Protocol.Wire;
using HostMemd.Qapi;

namespace HostMemd.Protocol.Qmp;

/// <summary>The envelope of a command. Members are checked in QEMU's walking order; the first fault is the one reported.</summary>
/// <param name="Command">The command's name; empty when the envelope was faulty.</param>
/// <param name="Id">What the reply echoes, or null when no <c>id</c> came. JSON's null is an id.</param>
/// <param name="DescriptorBatch">Which of the descriptors received belong to this message; see <see cref="ReceivedDescriptors"/>.</param>
public readonly record struct Request(string Command, Members Arguments, Value? Id, bool OutOfBand, long DescriptorBatch)
{
    /// <summary>Reads the envelope. A fault leaves the id in <paramref name="request"/>, for the error's sake.</summary>
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

    // What nearly every client sends: execute, perhaps arguments, perhaps id, all well.
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
