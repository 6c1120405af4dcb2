using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

public class ErrnoTests
{
    [Fact]
    public void KnownNumber_HasNameAndText()
    {
        Assert.Equal("ENOMEM", Errno.ENOMEM.Name);
        Assert.Equal("Cannot allocate memory", Errno.ENOMEM.Text);
        Assert.Equal("ENOMEM (Cannot allocate memory)", Errno.ENOMEM.ToString());
        Assert.True(Errno.ENOMEM.Failed);
    }

    [Fact]
    public void UnknownNumber_IsStillDescribed()
    {
        Assert.Equal("E999 (Unknown error 999)", new Errno(999).ToString());
        Assert.Equal("E41", new Errno(41).Name);
    }

    [Fact]
    public void None_IsSuccess()
    {
        Assert.True(Errno.None.Ok);
        Assert.Equal("success", default(Errno).ToString());
    }
}
