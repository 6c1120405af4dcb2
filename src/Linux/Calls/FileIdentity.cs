using System.Globalization;

namespace HostMemd.Linux;

/// <summary>
/// The identity of a file: file system and inode of a regular one; of a device what it stands for, through whichever node it was opened.
/// </summary>
/// <param name="Device">As in /proc/PID/maps; of a device <c>block 7:0</c> or <c>char 252:0</c>.</param>
/// <param name="Inode">0 for a device.</param>
public readonly record struct FileIdentity(string Device, ulong Inode)
{
    // mem(4): what is mapped of /dev/zero is new memory each time.
    const uint MemMajor = 1, ZeroMinor = 5;

    public bool IsDevice => Inode == 0;

    /// <summary>Null for what no two processes share: /dev/zero, a socket, a pipe.</summary>
    public static FileIdentity? Of(FileStatus status)
    {
        if (status.IsRegular)
            return new(status.DeviceText, status.Inode);
        if (!status.IsBlockDevice && (!status.IsCharDevice || (status.SpecialMajor, status.SpecialMinor) == (MemMajor, ZeroMinor)))
            return null;
        var kind = status.IsBlockDevice ? "block" : "char";
        return new(string.Create(CultureInfo.InvariantCulture, $"{kind} {status.SpecialMajor}:{status.SpecialMinor}"), 0);
    }
}
