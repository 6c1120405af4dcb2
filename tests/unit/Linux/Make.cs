using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Linux;

/// <summary>Things that tests need before they begin; each asserts that it was had.</summary>
static class Make
{
    internal const ulong MiB = 1 << 20;

    internal static MappedMemory Memory(MapRequest request)
    {
        Assert.Equal(Errno.None, MappedMemory.Map(request, out var memory));
        return memory!;
    }

    internal static MappedMemory Anonymous(ulong length, bool guard = false, ulong alignment = 0) => Memory(new MapRequest
    {
        Length = length,
        Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS,
        Guard = guard,
        Alignment = alignment,
    });

    internal static MappedMemory Shared(SafeFileHandle file, ulong length, ulong alignment = 0, ulong pageSize = 0) => Memory(new MapRequest
    {
        Length = length,
        Flags = Mman.MAP_SHARED,
        File = file,
        Guard = true,
        Alignment = alignment,
        PageSize = pageSize,
    });

    internal static SafeFileHandle Memfd(ulong length, uint flags = 0)
    {
        Assert.Equal(Errno.None, global::HostMemd.Linux.Memfd.Create("test", flags, out var fd));
        Assert.Equal(Errno.None, Files.Truncate(fd!, length));
        return fd!;
    }

    internal static SafeFileHandle Reopened(SafeFileHandle fd, int flags = Files.O_RDWR)
    {
        Assert.Equal(Errno.None, Files.Reopen(fd, flags, out var other));
        return other!;
    }

    internal static MapsEntry? Mapping(ulong address) => Procfs.Maps().FirstOrDefault(m => m.Start <= address && address < m.End);
}

/// <summary>A directory that goes with the test.</summary>
sealed class Scratch : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("hostmemd-").FullName;

    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
