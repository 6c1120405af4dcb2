using HostMemd.Linux;

namespace HostMemd.Faulty;

/// <summary>With what a call can fail: the ERRORS of its man page, in section 2 or 3, without what cannot be for the arguments we pass.</summary>
static class Errnos
{
    const int EROFS = 30, ENOTTY = 25, EBUSY = 16, EPIPE = 32, EMSGSIZE = 90, ENOTCONN = 107, ECONNRESET = 104, ENOBUFS = 105, ETOOMANYREFS = 109;

    static readonly Dictionary<string, Errno[]> s_table = new()
    {
        ["pthread_create"] = [Errno.EAGAIN],
        ["mmap"] = [Errno.EACCES, Errno.EAGAIN, Errno.EBADF, Errno.EEXIST, Errno.EINVAL, Errno.ENFILE, Errno.ENODEV, Errno.ENOMEM,
            Errno.EOVERFLOW, Errno.EPERM, Errno.ETXTBSY],
        ["munmap"] = [Errno.EINVAL, Errno.ENOMEM],
        ["madvise"] = [Errno.EACCES, Errno.EAGAIN, Errno.EBADF, Errno.EFAULT, Errno.EHWPOISON, Errno.EINVAL, Errno.EIO, Errno.ENOMEM, Errno.EPERM],
        ["mincore"] = [Errno.EAGAIN, Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM],
        ["mbind"] = [Errno.EFAULT, Errno.EINVAL, Errno.EIO, Errno.ENOMEM, Errno.EPERM, Errno.ENOSYS],
        ["get_mempolicy"] = [Errno.EFAULT, Errno.EINVAL],
        ["set_mempolicy"] = [Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM],
        ["move_pages"] = [Errno.E2BIG, Errno.EACCES, Errno.EFAULT, Errno.EINVAL, Errno.ENODEV, Errno.ENOENT, Errno.EPERM, Errno.ESRCH],
        ["memfd_create"] = [Errno.EFAULT, Errno.EINVAL, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.EPERM],
        ["ftruncate"] = [Errno.EBADF, Errno.EFBIG, Errno.EINVAL, Errno.EIO, Errno.EPERM, new(EROFS), Errno.ETXTBSY],
        ["fallocate"] = [Errno.EBADF, Errno.EFBIG, Errno.EINVAL, Errno.EIO, Errno.ENODEV, Errno.ENOSPC, Errno.ENOSYS, Errno.EOPNOTSUPP,
            Errno.EPERM, Errno.ESPIPE, Errno.ETXTBSY],
        ["fcntl"] = [Errno.EACCES, Errno.EAGAIN, Errno.EBADF, new(EBUSY), Errno.EINVAL, Errno.EMFILE, Errno.EPERM],
        ["open"] = [Errno.EACCES, Errno.EEXIST, Errno.EFBIG, Errno.EISDIR, Errno.ELOOP, Errno.EMFILE, Errno.ENAMETOOLONG, Errno.ENFILE, Errno.ENODEV,
            Errno.ENOENT, Errno.ENOMEM, Errno.ENOSPC, Errno.ENOTDIR, Errno.ENXIO, Errno.EOVERFLOW, Errno.EPERM, new(EROFS), Errno.ETXTBSY, Errno.EAGAIN],
        ["openat2"] = [Errno.E2BIG, Errno.EAGAIN, Errno.EINVAL, Errno.EXDEV, Errno.ENOSYS, Errno.ELOOP, Errno.EACCES, Errno.EMFILE, Errno.ENOSPC],
        ["mkostemp"] = [Errno.EEXIST, Errno.EINVAL, Errno.EMFILE, Errno.ENOSPC, Errno.EACCES, new(EROFS)],
        ["unlink"] = [Errno.EACCES, new(EBUSY), Errno.EIO, Errno.EISDIR, Errno.ELOOP, Errno.ENOENT, Errno.ENOMEM, Errno.ENOTDIR, Errno.EPERM, new(EROFS)],
        ["statx"] = [Errno.EACCES, Errno.EBADF, Errno.EFAULT, Errno.EINVAL, Errno.ELOOP, Errno.ENAMETOOLONG, Errno.ENOENT, Errno.ENOMEM, Errno.ENOTDIR],
        ["fstatfs"] = [Errno.EBADF, Errno.EFAULT, Errno.EIO, Errno.ENOMEM, Errno.ENOSYS, Errno.EOVERFLOW],
        ["lseek"] = [Errno.EBADF, Errno.EINVAL, Errno.ENXIO, Errno.EOVERFLOW, Errno.ESPIPE],
        ["pread"] = [Errno.EBADF, Errno.EINVAL, Errno.EIO, Errno.EISDIR],
        ["pwrite"] = [Errno.EBADF, Errno.EFBIG, Errno.EINVAL, Errno.EIO, Errno.ENOSPC, Errno.EPERM],
        ["shm_open"] = [Errno.EACCES, Errno.EEXIST, Errno.EINVAL, Errno.EMFILE, Errno.ENAMETOOLONG, Errno.ENFILE, Errno.ENOENT, Errno.ENOSPC],
        ["shm_unlink"] = [Errno.EACCES, Errno.ENAMETOOLONG, Errno.ENOENT],
        ["pidfd_open"] = [Errno.EINVAL, Errno.EMFILE, Errno.ENFILE, Errno.ENODEV, Errno.ENOMEM, Errno.ESRCH],
        ["poll"] = [Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM],
        ["epoll_create1"] = [Errno.EINVAL, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM],
        ["epoll_ctl"] = [Errno.EBADF, Errno.EEXIST, Errno.EINVAL, Errno.ELOOP, Errno.ENOENT, Errno.ENOMEM, Errno.ENOSPC, Errno.EPERM],
        ["sched_setaffinity"] = [Errno.EFAULT, Errno.EINVAL, Errno.EPERM, Errno.ESRCH],
        ["sched_getaffinity"] = [Errno.EFAULT, Errno.EINVAL, Errno.ESRCH],
        ["prctl"] = [Errno.EFAULT, Errno.EINVAL],
        ["futex"] = [Errno.EACCES, Errno.EFAULT, Errno.EINVAL, Errno.ENOSYS],
        ["process_vm_readv"] = [Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM, Errno.EPERM, Errno.ESRCH],
        ["process_vm_writev"] = [Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM, Errno.EPERM, Errno.ESRCH],
        ["getrlimit"] = [Errno.EFAULT, Errno.EINVAL],
        ["pipe2"] = [Errno.EFAULT, Errno.EINVAL, Errno.EMFILE, Errno.ENFILE],
        ["fgetxattr"] = [Errno.EOPNOTSUPP, Errno.ERANGE],
        ["fsetxattr"] = [Errno.EOPNOTSUPP, Errno.EPERM, Errno.ENOSPC],
        ["fchmod"] = [Errno.EBADF, Errno.EIO, Errno.EPERM, new(EROFS)],
        ["userfaultfd"] = [Errno.EINVAL, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.EPERM, Errno.ENOSYS],
        ["ioctl"] = [Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM, new(EBUSY), Errno.ENOSYS],
        ["getdents64"] = [Errno.EBADF, Errno.EFAULT, Errno.EINVAL, Errno.ENOENT, Errno.ENOTDIR],
        // ENOTTY is what kernels before 6.7 say.
        ["PAGEMAP_SCAN"] = [new(ENOTTY), Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM, Errno.EPERM, Errno.EINTR],
        ["UFFDIO_ZEROPAGE"] = [Errno.EEXIST, Errno.EAGAIN, Errno.EFAULT, Errno.EINVAL, Errno.ENOENT, Errno.ENOMEM, Errno.ENOSPC, Errno.ESRCH],
        ["setrlimit"] = [Errno.EFAULT, Errno.EINVAL, Errno.EPERM],
        ["pidfd_send_signal"] = [Errno.EBADF, Errno.EINVAL, Errno.EPERM, Errno.ESRCH],
        ["sendmsg"] = [Errno.EAGAIN, Errno.EBADF, new(ECONNRESET), Errno.EFAULT, Errno.EINVAL, new(EMSGSIZE), new(ENOBUFS), Errno.ENOMEM, new(EPIPE),
            new(ETOOMANYREFS)],
        ["recvmsg"] = [Errno.EAGAIN, Errno.EBADF, Errno.EFAULT, Errno.EINVAL, Errno.ENOMEM, new(ENOTCONN)],
        // Of a thread that no command waits for.
        ["epoll_wait"] = [],
    };

    /// <summary>Null for a call that is not listed.</summary>
    public static Errno[]? Of(string call) => s_table.GetValueOrDefault(call);

    /// <summary>Calls that give something back: when they fail, it cannot be had back, and that is told as a bug instead.</summary>
    public static bool IsRelease(string call) => call is "munmap" or "unlink" or "shm_unlink";
}
