using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Ctl.Verbs;

/// <summary>Any command of the protocol, as it is.</summary>
static class QmpVerb
{
    const string StandardInput = "-";
    const string Negotiation = "qmp_capabilities";

    static readonly OperandRow s_command = new("COMMAND", "The command; - for requests from standard input, one a line.", Sources.Commands);
    static readonly OperandRow s_arguments = new("JSON|KEY=VALUE", "Its arguments: one JSON object, or a word each.", Sources.Nothing)
    { IsOptional = true, IsMany = true };

    public static readonly VerbRow Row = new("qmp", "Send a command of the protocol and print what it returns, as JSON.", RunAsync)
    {
        Operands = [s_command, s_arguments],
        Details =
        [
            "A VALUE that is JSON is taken as such, anything else as a string. hostmemd-qmp(7) has the commands.",
            "With - every line is a request such as {\"execute\": \"query-memdev\"}, and every reply is printed on a line of its own; "
                + "the status is 1 if one was an error.",
        ],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        var command = call.Word(s_command);
        if (command == StandardInput)
            return await FromInputAsync(call).ConfigureAwait(false);
        var arguments = Arguments(call.Words(s_arguments));
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        try
        {
            call.Json(await client.ExecuteAsync(command, arguments).ConfigureAwait(false));
            return ExitStatus.Done;
        }
        catch (QmpException refusal) when (refusal.Class == ErrorClass.CommandNotFound)
        {
            (await client.ExecuteAsync("query-commands", Members.None).ConfigureAwait(false)).TryList(out var known);
            var names = (known ?? []).Select(k => k.TryObject(out var m) && m["name"].TryString(out var name) ? name : "");
            throw CtlException.Refused(Similar.To(command, names) is { } meant ? $"{refusal.Message}; did you mean '{meant}'?"
                : refusal.Message);
        }
    }

    internal static Members Arguments(IReadOnlyList<string> words)
    {
        if (words is [['{', ..] text])
            return Json(text).TryObject(out var members) ? members : throw CtlException.Usage("the arguments are no JSON object");
        var arguments = new Members();
        foreach (var word in words)
        {
            var (key, value) = Properties.Split(word);
            if (!arguments.TryAdd(key, ValueOf(value)))
                throw CtlException.Usage($"argument '{key}' is there twice");
        }
        return arguments;
    }

    static Value Json(string text)
    {
        try
        {
            return JsonText.Parse(text);
        }
        catch (QmpException wrong)
        {
            throw CtlException.Usage(wrong.Message);
        }
    }

    static Value ValueOf(string text)
    {
        try
        {
            return JsonText.Parse(text);
        }
        catch (QmpException)
        {
            return Value.From(text);
        }
    }

    static async Task<int> FromInputAsync(Invocation call)
    {
        using var client = await call.ConnectAsync(outOfBand: true).ConfigureAwait(false);
        using var input = new StreamReader(Console.OpenStandardInput());
        var status = ExitStatus.Done;
        for (var number = 1; await input.ReadLineAsync().ConfigureAwait(false) is { } line; number++)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            var reply = await AnswerAsync(client, line, number).ConfigureAwait(false);
            if (reply.Contains("error"))
                status = ExitStatus.Refused;
            var bytes = new System.Buffers.ArrayBufferWriter<byte>();
            JsonWriter.Write(bytes, Value.From(reply));
            call.Out.Write(System.Text.Encoding.UTF8.GetString(bytes.WrittenSpan) + "\n");
            await call.Out.FlushAsync().ConfigureAwait(false);
        }
        return status;
    }

    static async Task<Members> AnswerAsync(HostMemdClient client, string line, int number)
    {
        Value request;
        try
        {
            request = JsonText.Parse(line);
        }
        catch (QmpException wrong)
        {
            throw CtlException.Usage(string.Create(CultureInfo.InvariantCulture, $"line {number}: {wrong.Message}"));
        }
        if (!request.TryObject(out var members) || !(members["execute"].TryString(out var command)
            | members["exec-oob"].TryString(out var overtaking)))
            throw CtlException.Usage(string.Create(CultureInfo.InvariantCulture, $"line {number}: a request is an object with 'execute'"));
        var arguments = members["arguments"].TryObject(out var given) ? given : Members.None;
        var reply = new Members();
        try
        {
            // The client has negotiated; what was written for a bare socket does it again.
            reply.Add("return", command == Negotiation ? Value.Empty
                : command is not null ? await client.ExecuteAsync(command, arguments).ConfigureAwait(false)
                : await client.ExecuteOutOfBandAsync(overtaking!, arguments).ConfigureAwait(false));
        }
        catch (QmpException refusal)
        {
            reply.Add("error", Value.Object(("class", Value.From(refusal.Class.ToString())), ("desc", Value.From(refusal.Message))));
        }
        if (members.TryGet("id", out var id))
            reply.Add("id", id);
        return reply;
    }
}
