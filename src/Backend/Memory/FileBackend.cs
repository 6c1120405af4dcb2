using HostMemd.Backend.Qom;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Backend.Memory;

/// <summary>QEMU's OnOffAuto.</summary>
public enum OnOffAuto { Auto, On, Off }

/// <summary>
/// <c>memory-backend-file</c>: a named file on a disk, tmpfs or hugetlbfs, or an unlinked one in a directory.
/// </summary>
public sealed class FileBackend : HostMemoryBackend
{
    static readonly QapiEnum<OnOffAuto> s_onOffAuto =
        new("OnOffAuto", ("auto", OnOffAuto.Auto), ("on", OnOffAuto.On), ("off", OnOffAuto.Off));

    public static QomClass FileClass { get; } = new("memory-backend-file", BackendClass, new PropertyTable<FileBackend>()
        .Row("align", QapiTypes.Size, null, b => b.Align, (b, v) => b.Align = v, frozen: b => b.Frozen("align"),
            note: "Alignment of the mapping in bytes; 0 for the file's page size.")
        .Row("offset", QapiTypes.Size, "Offset into the target file (ex: 1G)", b => b.Offset, (b, v) => b.Offset = v,
            frozen: b => b.Frozen("offset"))
        .Row("discard-data", Bool, null, b => b.DiscardData, (b, v) => b.DiscardData = v,
            note: "Give the file's blocks back when the object is deleted.")
        .Row("mem-path", Str, null, b => b.MemPath, (b, v) => b.SetMemPath(v), required: true,
            note: "The file, or a directory in which an unlinked file is made.")
        .Row("pmem", Bool, null, b => b.Pmem, (b, v) => b.Pmem = b.Unfrozen(v, "pmem"),
            note: "The file is persistent memory: map it synchronously.")
        .Row("readonly", Bool, null, b => b.ReadOnly, (b, v) => b.ReadOnly = b.Unfrozen(v, "readonly"),
            note: "Open the file read-only.")
        .Row("rom", s_onOffAuto, "Whether to create Read Only Memory (ROM)", b => b.Rom, (b, v) => b.Rom = v,
            frozen: b => b.IsMapped ? QmpErrors.CannotChangeStop(b.Class.Name, "rom") : null)
        .Rows, registered: "mem-path")
    {
        IsCreatable = true,
    };

    // The file, if this object has made it: it is removed if the object fails.
    FileStatus? _created;
    FilePlace? _place;

    // An unlinked file in a directory: only its descriptor leads to it.
    bool _isTemporary;

    internal FileBackend(BackendServices services, string id) : base(FileClass, services, id) { }

    public string MemPath { get; private set; } = "";
    public ulong Align { get; private set; }
    public ulong Offset { get; private set; }
    public bool DiscardData { get; private set; }
    public bool Pmem { get; private set; }
    public bool ReadOnly { get; private set; }
    public OnOffAuto Rom { get; private set; }

    QmpException? Frozen(string property) => IsMapped ? QmpErrors.CannotChange(Class.Name, property) : null;

    bool Unfrozen(bool value, string property) => IsMapped ? throw QmpErrors.CannotChangeStop(Class.Name, property) : value;

    void SetMemPath(string path)
    {
        if (IsMapped)
            throw QmpErrors.CannotChange(Class.Name, "mem-path");
        if (path.Contains('\0', StringComparison.Ordinal))
            throw QmpErrors.PathWithNul("mem-path");
        MemPath = path;
    }

    // A disk may be slow, and a network file system may not answer at all.
    protected override bool IsSlowToMap => true;

    private protected override bool HasPath => true;

    protected override MemoryRegion Allocate()
    {
        ResolveRom();
        var file = Open();
        try
        {
            return Reallocate(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // A file with a name is found by its path.
    public override SafeFileHandle? StoreToKeep => _isTemporary ? base.StoreToKeep : null;

    protected override MemoryRegion Reallocate(SafeFileHandle store)
    {
        ResolveRom();
        return new Allocation
        {
            Name = RegionName,
            Size = Size,
            Share = Share,
            Reserve = Reserve,
            Align = Align,
            Offset = Offset,
            ReadOnlyMemory = Rom == OnOffAuto.On,
            Persistent = Pmem,
            // Opened for reading only, an empty file stays empty: success as with QEMU, and its pages cannot be touched.
            GrownPath = ReadOnly ? null : MemPath,
            IsRestored = IsRestored,
        }.Map(store);
    }

    void ResolveRom()
    {
        if (!ReadOnly && Rom == OnOffAuto.On)
            throw QmpErrors.RomNeedsReadonly();
        if (ReadOnly && Rom == OnOffAuto.Off && Share)
            throw QmpErrors.RomOffShared();
        if (Rom == OnOffAuto.Auto)
            Rom = ReadOnly ? OnOffAuto.On : OnOffAuto.Off;
        if (Prealloc && Rom == OnOffAuto.On)
            throw QmpErrors.ReadonlyPrealloc();
    }

    SafeFileHandle Open()
    {
        var place = _place = new FilePlace(MemPath, Services.MemPaths);
        for (var attempt = 1; ; attempt++)
        {
            var errno = place.Open((ReadOnly ? Files.O_RDONLY : Files.O_RDWR) | Files.O_CLOEXEC, out var file);
            if (errno.Ok)
                return ReadOnly ? RefuseDirectory(file!) : file!;
            if (!ReadOnly && errno == Errno.EISDIR)
                return OpenTemporary(place);
            if (!ReadOnly && errno == Errno.ENOENT && !IsRestored)
            {
                errno = place.Open(Files.O_RDWR | Files.O_CREAT | Files.O_EXCL | Files.O_CLOEXEC, out file);
                if (errno.Ok)
                {
                    _created = Files.Status(file!, out var status).Ok ? status : null;
                    return file!;
                }
                // Another process was quicker: its file is opened. Not for ever: a link that leads nowhere both exists and does not.
                if (errno == Errno.EEXIST && attempt < 8)
                    continue;
            }
            throw QmpErrors.CannotOpen(MemPath, errno.Text);
        }
    }

    SafeFileHandle RefuseDirectory(SafeFileHandle file)
    {
        if (Files.Status(file, out var status).Failed || !status.IsDirectory)
            return file;
        file.Dispose();
        throw QmpErrors.CannotOpen(MemPath, Errno.EISDIR.Text);
    }

    SafeFileHandle OpenTemporary(FilePlace place)
    {
        var errno = place.MakeTemporary($"qemu_back_mem.{RegionName.Replace('/', '_')}.XXXXXX", out var file);
        if (errno.Failed)
            throw QmpErrors.CannotOpen(MemPath, errno.Text);
        _isTemporary = true;
        return file!;
    }

    protected override void Releasing(MemoryRegion? region, bool failed)
    {
        // Only a file that this object has made, and only while the path still leads to it.
        if (failed && _created is { } made)
            _place!.Remove(made);
        // As in QEMU the error is ignored: private memory has no blocks to give back.
        if (!failed && DiscardData && !IsKept)
            region?.Mapping.Advise(0, region.Mapping.Length, Mman.MADV_REMOVE);
    }
}
