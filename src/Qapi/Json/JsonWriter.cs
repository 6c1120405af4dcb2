using System.Buffers;
using System.Text;
using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>
/// Writes values as QEMU prints them, ASCII only. A client can have an object of 1024 levels echoed, so the open containers are on a stack
/// of this class and not on the thread's.
/// </summary>
public static class JsonWriter
{
    struct Level
    {
        // One of three.
        public Members? Members;
        public LazyMembers? Source;
        public IReadOnlyList<Value>? Items;
        public int Next;
        public int Count;
        public int FirstOrder;
        public bool HasBegun;
    }

    /// <summary>The stacks that one thread keeps from call to call.</summary>
    sealed class Stack
    {
        // Larger stacks are not kept: a client's nesting needed them, not the daemon's replies.
        const int RetainedLevels = 64;
        const int RetainedOrder = 4096;

        public Level[] Levels = new Level[8];
        public int Depth;

        /// <summary>The orders of the members of the open objects, one behind the other.</summary>
        public int[] Order = new int[64];
        public int OrderCount;

        public void Clear()
        {
            Levels.AsSpan(0, Depth).Clear();
            Depth = OrderCount = 0;
            if (Levels.Length > RetainedLevels)
                Levels = new Level[8];
            if (Order.Length > RetainedOrder)
                Order = new int[64];
        }
    }

    [ThreadStatic]
    static Stack? s_stack;

    /// <summary>Writes <paramref name="value"/>, without a line end behind it.</summary>
    /// <param name="output">Receives the bytes.</param>
    /// <param name="value">Any value.</param>
    /// <param name="pretty">One member or element on each line, lines ended by CR LF, as QEMU does with <c>pretty=on</c>.</param>
    public static void Write(IBufferWriter<byte> output, Value value, bool pretty = false)
    {
        var bytes = new JsonOutput(output);
        // Taken away while in use: a list that writes while its elements are produced gets another one.
        var stack = s_stack ?? new();
        s_stack = null;
        try
        {
            WriteTree(ref bytes, stack, value, pretty);
        }
        finally
        {
            stack.Clear();
            s_stack = stack;
        }
        bytes.Flush();
    }

    /// <summary>Writes a string with its quotes.</summary>
    public static void WriteString(IBufferWriter<byte> output, string text)
    {
        var bytes = new JsonOutput(output);
        bytes.String(text);
        bytes.Flush();
    }

    /// <summary>The value as a string.</summary>
    public static string ToText(Value value, bool pretty = false)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        Write(buffer, value, pretty);
        return Encoding.ASCII.GetString(buffer.WrittenSpan);
    }

    static void WriteTree(ref JsonOutput output, Stack stack, Value value, bool pretty)
    {
        WriteOrOpen(ref output, stack, value);
        while (stack.Depth > 0)
        {
            ref var level = ref stack.Levels[stack.Depth - 1];
            if (!TryNext(ref level, stack.Order, out var name, out var next))
            {
                var isObject = level.Items is null;
                if (level.Members is not null)
                    stack.OrderCount = level.FirstOrder;
                level = default;
                stack.Depth--;
                // QEMU's pretty form breaks the line in empty containers too.
                if (pretty)
                    output.Line(stack.Depth);
                output.Byte(isObject ? (byte)'}' : (byte)']');
                continue;
            }
            if (level.HasBegun)
                output.Raw(pretty ? ","u8 : ", "u8);
            level.HasBegun = true;
            if (pretty)
                output.Line(stack.Depth);
            if (name is not null)
            {
                output.String(name);
                output.Raw(": "u8);
            }
            WriteOrOpen(ref output, stack, next);
        }
    }

    /// <summary>The next element, or the next member and its name.</summary>
    static bool TryNext(ref Level level, int[] order, out string? name, out Value value)
    {
        (name, value) = (null, default);
        while (level.Next < level.Count)
        {
            var next = level.Next++;
            if (level.Items is { } items)
            {
                value = items[next];
                return true;
            }
            if (level.Members is { } members)
            {
                (name, value) = members.Span[order[level.FirstOrder + next]];
                return true;
            }
            if (level.Source!.TryGet(next, out name, out value))
                return true;
        }
        return false;
    }

    static void WriteOrOpen(ref JsonOutput output, Stack stack, Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null:
                output.Raw("null"u8);
                break;
            case ValueKind.Bool:
                output.Raw(value.TryBool(out var flag) && flag ? "true"u8 : "false"u8);
                break;
            case ValueKind.Int:
                value.TryInt(out var signed);
                output.Number(signed);
                break;
            case ValueKind.UInt:
                value.TryBits(out var unsigned);
                output.Number(unsigned);
                break;
            case ValueKind.Double:
                value.TryDouble(out var number);
                output.Number(number);
                break;
            case ValueKind.String:
                value.TryString(out var text);
                output.String(text!);
                break;
            case ValueKind.List:
                value.TryList(out var items);
                output.Byte((byte)'[');
                Push(stack, new() { Items = items, Count = items!.Count });
                break;
            default:
                output.Byte((byte)'{');
                if (value.TryLazyMembers(out var source))
                    Push(stack, new() { Source = source, Count = source.Count });
                else if (value.TryObject(out var members))
                    PushObject(stack, members);
                break;
        }
    }

    static void PushObject(Stack stack, Members members)
    {
        var first = stack.OrderCount;
        var end = first + members.Count;
        if (stack.Order.Length < end)
            Array.Resize(ref stack.Order, Math.Max(end, stack.Order.Length * 2));
        QDictOrder.Fill(members, stack.Order.AsSpan(first, members.Count));
        stack.OrderCount = end;
        Push(stack, new() { Members = members, Count = members.Count, FirstOrder = first });
    }

    static void Push(Stack stack, Level level)
    {
        if (stack.Depth == stack.Levels.Length)
            Array.Resize(ref stack.Levels, stack.Depth * 2);
        stack.Levels[stack.Depth++] = level;
    }
}
