using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>Users besides the owner that may open a file: acl(5), which the kernel keeps in an extended attribute.</summary>
public static unsafe partial class PosixAcl
{
    const string Attribute = "system.posix_acl_access";

    // linux/posix_acl_xattr.h: a version, then entries in the order of their tags and of the ids below one tag.
    const uint Version = 2;
    const ushort ACL_USER_OBJ = 0x01, ACL_USER = 0x02, ACL_GROUP_OBJ = 0x04, ACL_MASK = 0x10, ACL_OTHER = 0x20;
    const ushort ReadWrite = 6;
    const uint NoId = uint.MaxValue;
    const int HeaderBytes = 4, EntryBytes = 8;

    // Entries are never removed; memory shared by more users than this is not expected.
    const int MostBytes = HeaderBytes + EntryBytes * 512;

    readonly record struct Entry(ushort Tag, ushort Permissions, uint Id);

    /// <summary>Lets a user open a file of ours for reading and writing, whatever its mode.</summary>
    /// <returns>EOPNOTSUPP: not on this file system, hugetlbfs for one; ERANGE: too many users; EPERM, ENOSPC: setxattr(2).</returns>
    public static Errno Admit(SafeFileHandle file, uint uid)
    {
        var errno = Read(file, out var entries);
        if (errno.Failed || entries.Any(e => e.Tag == ACL_USER && e.Id == uid))
            return errno;
        entries.Insert(entries.FindIndex(e => e.Tag > ACL_USER || (e.Tag == ACL_USER && e.Id > uid)), new(ACL_USER, ReadWrite, uid));
        return Write(file, entries);
    }

    static Errno Read(SafeFileHandle file, out List<Entry> entries)
    {
        // What a file of mode 0600 has; the mask bounds what users and groups named get.
        entries = [new(ACL_USER_OBJ, ReadWrite, NoId),
            new(ACL_GROUP_OBJ, 0, NoId), new(ACL_MASK, ReadWrite, NoId), new(ACL_OTHER, 0, NoId)];
        if (Faults.Hit(nameof(fgetxattr), out var error))
            return error;
        Span<byte> bytes = stackalloc byte[MostBytes];
        nint length;
        fixed (byte* p = bytes)
            length = fgetxattr(file, Attribute, p, (nuint)bytes.Length);
        if (length < 0)
            return Errno.Last == Errno.ENODATA ? Errno.None : Errno.Last;
        entries.Clear();
        for (var at = bytes[HeaderBytes..(int)length]; at.Length >= EntryBytes; at = at[EntryBytes..])
        {
            entries.Add(new(BinaryPrimitives.ReadUInt16LittleEndian(at), BinaryPrimitives.ReadUInt16LittleEndian(at[2..]),
                BinaryPrimitives.ReadUInt32LittleEndian(at[4..])));
        }
        return Errno.None;
    }

    static Errno Write(SafeFileHandle file, List<Entry> entries)
    {
        if (Faults.Hit(nameof(fsetxattr), out var error))
            return error;
        var bytes = new byte[HeaderBytes + EntryBytes * entries.Count];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Version);
        for (var i = 0; i < entries.Count; i++)
        {
            var at = bytes.AsSpan(HeaderBytes + EntryBytes * i);
            BinaryPrimitives.WriteUInt16LittleEndian(at, entries[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(at[2..], entries[i].Permissions);
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], entries[i].Id);
        }
        fixed (byte* p = bytes)
            return fsetxattr(file, Attribute, p, (nuint)bytes.Length, 0) == 0 ? Errno.None : Errno.Last;
    }

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint fgetxattr(SafeFileHandle fd, string name, byte* value, nuint size);

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int fsetxattr(SafeFileHandle fd, string name, byte* value, nuint size, int flags);
}
