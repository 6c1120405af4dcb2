using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Linux;

public sealed class UnixSocketTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;

    static SafeFileHandle Made(int flags = 0)
    {
        Assert.Equal(Errno.None, UnixSocket.Create(flags, out var made));
        return made!;
    }

    public static TheoryData<bool> Kinds => [true, false];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ClientOfABoundName_IsAccepted_AndItsEndIsSeen(bool isAbstract)
    {
        var name = Encoding.UTF8.GetBytes((isAbstract ? "\0" : "") + Path.Combine(_folder, "s"));
        using var listener = Made(UnixSocket.SOCK_NONBLOCK);
        using var client = Made();
        Assert.Equal(isAbstract ? Errno.ECONNREFUSED : Errno.ENOENT, UnixSocket.Connect(client, name));
        Assert.Equal(Errno.None, UnixSocket.Bind(listener, name));
        Assert.Equal(Errno.ECONNREFUSED, UnixSocket.Connect(client, name));
        Assert.Equal(Errno.None, UnixSocket.Listen(listener, 1));
        Assert.Equal(Errno.EAGAIN, UnixSocket.Accept(listener, out _));

        Assert.Equal(Errno.None, UnixSocket.Connect(client, name));

        Assert.Equal(Errno.None, UnixSocket.Accept(listener, out var accepted));
        using (accepted)
        {
            Assert.Equal(Errno.None, UnixSocket.IsHungUp(accepted!, out var before));
            client.Dispose();
            Assert.Equal(Errno.None, UnixSocket.IsHungUp(accepted!, out var after));
            Assert.Equal((false, true), (before, after));
        }
        Assert.Equal(Errno.None, UnixSocket.Name(listener, out var bound));
        Assert.Equal(name, bound);
    }

    [Fact]
    public void NameThatDoesNotFit_IsRefused()
    {
        using var socket = Made();
        var longest = Encoding.UTF8.GetBytes(new string('x', UnixSocket.SunPathBytes));

        Assert.Equal(Errno.EINVAL, UnixSocket.Bind(socket, longest));
        Assert.Equal(Errno.EINVAL, UnixSocket.Connect(socket, [0, .. longest]));
    }

    [Fact]
    public void Option_HasTheKernelsLength_OrItsError()
    {
        Assert.Equal(Errno.None, UnixSocket.CreatePair(out var one, out var other));
        using (one)
        using (other)
        {
            Assert.Equal(Errno.None, UnixSocket.Option(one!, UnixSocket.SO_PEERCRED, new byte[100], out var length));
            Assert.Equal(12, length);
            Assert.Equal(Errno.ENOPROTOOPT, UnixSocket.Option(one!, 9999, new byte[4], out length));
            Assert.Equal(0, length);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
