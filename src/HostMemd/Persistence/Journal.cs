using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Persistence;

/// <summary>
/// A journal in a memfd. It outlives the process, because another process holds the descriptor too. A line is safe as soon as it is
/// written: only the end of the machine undoes a write to memory.
/// </summary>
sealed class Journal : IDisposable
{
    readonly SafeFileHandle _file;
    ulong _length;

    Journal(SafeFileHandle file, long generation, ulong length)
    {
        _file = file;
        Generation = generation;
        _length = length;
    }

    /// <summary>Counts the rewrites. The journal with the highest generation is in force.</summary>
    public long Generation { get; }

    public SafeFileHandle File => _file;

    /// <summary>The length in bytes.</summary>
    public ulong Length => _length;

    /// <summary>Makes a new journal that begins with these lines.</summary>
    public static Errno Create(long generation, IEnumerable<Value> lines, out Journal? journal)
    {
        journal = null;
        var errno = Memfd.Create("hostmemd-state", Memfd.MFD_CLOEXEC, out var file);
        if (errno.Failed)
            return errno;
        var created = new Journal(file!, generation, 0);
        byte[] all = [.. JournalText.Line(JournalText.Header(generation)), .. lines.SelectMany(JournalText.Line)];
        errno = created.Append(all);
        if (errno.Ok)
            journal = created;
        else
            created.Dispose();
        return errno;
    }

    /// <summary>Reads a journal that another process wrote.</summary>
    /// <returns>Null if the file is no journal.</returns>
    public static Journal? Open(SafeFileHandle file, out StoredState state, out IReadOnlyList<string> damaged)
    {
        state = new();
        damaged = [];
        // No journal is that large, so this is another file.
        if (Files.Status(file, out var status).Failed || !status.IsRegular || status.Size > int.MaxValue)
            return null;
        var bytes = new byte[status.Size];
        for (var done = 0; done < bytes.Length;)
        {
            if (Files.PRead(file, (ulong)done, bytes.AsSpan(done), out var read).Failed || read == 0)
                return null;
            done += read;
        }
        state = JournalText.Read(bytes, out var generation, out damaged);
        // Writing goes on behind the last whole line and overwrites a line that was cut off.
        var whole = (ulong)(bytes.AsSpan().LastIndexOf((byte)'\n') + 1);
        return generation < 0 ? null : new(file, generation, whole);
    }

    public Errno Append(Value line) => Append(JournalText.Line(line));

    Errno Append(ReadOnlySpan<byte> bytes)
    {
        var at = _length;
        while (bytes.Length > 0)
        {
            var errno = Files.PWrite(_file, at, bytes, out var done);
            if (errno.Failed)
                return errno;
            at += (ulong)done;
            bytes = bytes[done..];
        }
        _length = at;
        return Errno.None;
    }

    public void Dispose() => _file.Dispose();
}
