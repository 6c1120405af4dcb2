using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>
/// Reading files of /proc and /sys: they have no length, must be read front to back, and may be missing, which gives nothing rather
/// than an error. Lines are spans over one pooled buffer.
/// </summary>
public sealed class ProcFile : IDisposable
{
    readonly SafeFileHandle _file;
    byte[] _buffer = ArrayPool<byte>.Shared.Rent(64 * 1024); // smaps comes in whole entries of 4 KiB at most; fewer calls this way
    ulong _position;
    int _start, _end;
    bool _atEnd;

    ProcFile(SafeFileHandle file) => _file = file;

    /// <summary>Null if the file cannot be opened.</summary>
    public static ProcFile? Open(string path) => Open(path, out _);

    /// <summary>The same, and why not.</summary>
    public static ProcFile? Open(string path, out Errno error)
    {
        error = Files.Open(path, Files.O_RDONLY | Files.O_NOCTTY, 0, out var file);
        return error.Ok ? new ProcFile(file!) : null;
    }

    /// <summary>The next line without its newline; it lives until the next call. A read error is the end.</summary>
    public bool Next(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = _buffer.AsSpan(_start, _end - _start);
            var newline = rest.IndexOf((byte)'\n');
            if (newline >= 0 || (_atEnd && rest.Length > 0))
            {
                line = newline >= 0 ? rest[..newline] : rest;
                _start += newline >= 0 ? newline + 1 : rest.Length;
                return true;
            }
            if (_atEnd)
            {
                line = default;
                return false;
            }
            Fill();
        }
    }

    void Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end == _buffer.Length)
        {
            var longer = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.CopyTo(longer, 0);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = longer;
        }
        var error = Files.PRead(_file, _position, _buffer.AsSpan(_end), out var read);
        _atEnd = error.Failed || read == 0;
        _position += (ulong)read;
        _end += read;
    }

    public void Dispose()
    {
        _file.Dispose();
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>All of a file as text without its final newline, or null.</summary>
    public static string? Text(string path)
    {
        using var file = Open(path);
        if (file is null)
            return null;
        StringBuilder text = new();
        for (var first = true; file.Next(out var line); first = false)
            text.Append(first ? "" : "\n").Append(Encoding.UTF8.GetString(line));
        return text.ToString();
    }

    /// <summary>The number a file starts with, or null.</summary>
    public static ulong? Number(string path)
    {
        using var file = Open(path);
        return file is not null && file.Next(out var line) && Utf8Parser.TryParse(line, out ulong number, out _)
            ? number : null;
    }
}
