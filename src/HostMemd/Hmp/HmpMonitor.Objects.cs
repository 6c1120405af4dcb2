using HostMemd.Backend.Qom;
using HostMemd.Help;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Hmp;

// object_add and the qom-* commands.
public sealed partial class HmpMonitor
{
    async ValueTask AddAsync(HmpCall call)
    {
        var text = call["object"];
        if (text.StartsWith('{'))
        {
            await _objects.AddAsync(_objectOptions.Read(JsonText.Parse(text), null), call.Owner, call.Waiter).ConfigureAwait(false);
            return;
        }
        var given = KeyValParser.Parse(text, "qom-type");
        if (given.Help)
            call.Print(Help(given.Values));
        else
            await _objects.AddAsync(KeyValObject.Read(_objectOptions, given.Values), call.Owner, call.Waiter).ConfigureAwait(false);
    }

    // Help for an unknown type is the list of types.
    string Help(Members given) => given["qom-type"].TryString(out var name) && _types.Find(name) is { } type
        ? ObjectHelp.Properties(type)
        : ObjectHelp.Types(_types);

    void Get(HmpCall call)
    {
        using (_state.Enter())
            call.Print(JsonWriter.ToText(_tree.Resolve(call["path"]).Get(call["property"]), pretty: true).ReplaceLineEndings("\n") + "\n");
    }

    void List(HmpCall call)
    {
        if (call.Find("path") is not { } path)
        {
            call.Print("/\n");
            return;
        }
        using (_state.Enter())
        {
            var target = _tree.ResolveForList(path);
            foreach (var property in target.Class.Listed)
                call.Print($"{property.Name} ({property.QomType})\n");
            foreach (var child in ChildOrder.Sort(target))
                call.Print($"{child.Name} (child<{child.Class.Name}>)\n");
        }
    }

    ValueTask SetAsync(HmpCall call)
    {
        // QEMU reports bad JSON before a path that does not exist.
        var json = call.Has("json") ? JsonText.Parse(call["value"]) : default(Value?);
        return _changes.SetAsync(call["path"], target => json is { } value
            ? target.Set(call["property"], value, call.Waiter)
            : TextProperty.Set(target, call["property"], call["value"], call.Waiter));
    }
}
