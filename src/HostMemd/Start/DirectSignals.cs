using System.Runtime.InteropServices;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>
/// Handles signals on the runtime's own thread for them. The runtime starts a further thread for SIGTERM and SIGINT
/// (PosixSignalRegistration.OnPosixSignal) and loses the signal where it cannot, so its function is replaced by one that needs none.
/// </summary>
static unsafe partial class DirectSignals
{
    // signal(7): the highest is 64.
    static readonly Action?[] s_handlers = new Action?[65];

    /// <summary>Calls <paramref name="handler"/>, which must not wait, for each such signal; its usual effect is gone.</summary>
    /// <exception cref="StartException">The process cannot have another thread or descriptor.</exception>
    public static PosixSignalRegistration On(PosixSignal signal, int number, Action handler)
    {
        s_handlers[number] = handler;
        var registration = Register(signal, handler);
        try
        {
            SystemNative_SetPosixSignalHandler(&Handle);
        }
        catch (Exception other) when (other is EntryPointNotFoundException or DllNotFoundException)
        {
            // A runtime without this function handles signals in its own way.
        }
        return registration;
    }

    static PosixSignalRegistration Register(PosixSignal signal, Action handler)
    {
        try
        {
            return PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                handler();
            });
        }
        catch (Exception failure) when ((failure.InnerException ?? failure) is IOException { HResult: var errno })
        {
            // The first registration starts the runtime's thread for signals, and makes a pipe.
            throw errno == Errno.EAGAIN.Number
                ? Reserves.NoThread()
                : new StartException($"cannot wait for signals: {new Errno(errno).Text}");
        }
    }

    // Returns 1 for a signal that is handled, 0 for one that is to have its usual effect.
    [UnmanagedCallersOnly]
    static int Handle(int number, int signal)
    {
        if ((uint)number >= (uint)s_handlers.Length || s_handlers[number] is not { } handler)
            return 0;
        handler();
        return 1;
    }

    // The runtime's documentation reserves the function for itself. The published file has the runtime that it was built with.
    [LibraryImport("libSystem.Native")]
    private static partial void SystemNative_SetPosixSignalHandler(delegate* unmanaged<int, int, int> handler);
}
