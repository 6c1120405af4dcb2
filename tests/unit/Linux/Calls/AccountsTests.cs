using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

public class AccountsTests
{
    [Fact]
    public void Root_IsNumberZero()
    {
        Assert.Equal(Errno.None, Accounts.FindUser("root", out var uid));
        Assert.Equal(Errno.None, Accounts.FindGroup("root", out var gid));

        Assert.Equal((0u, 0u), (uid, gid));
    }

    [Fact]
    public void UnknownName_IsNoError()
    {
        Assert.Equal(Errno.None, Accounts.FindUser("no-such-user", out var uid));
        Assert.Equal(Errno.None, Accounts.FindGroup("no-such-group", out var gid));

        Assert.Null(uid);
        Assert.Null(gid);
    }

    [Fact]
    public void EffectiveUser_IsThatOfProc() => Assert.Equal(Procfs.Uid(Environment.ProcessId), Accounts.EffectiveUid);
}
