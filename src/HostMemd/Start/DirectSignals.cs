using System.Runtime.InteropServices;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>
/// Signals, heard of at the runtime's own thread for them. What it does there for SIGTERM and SIGINT is to start a thread, and where none
/// can be had the signal is lost (PosixSignalRegistration.OnPosixSignal): so its function is replaced by one that needs none.
/// </summary>
static unsafe partial class DirectSignals
{
    // signal(7): the highest is 64.
    static readonly Action?[] s_handlers = new Action?[65];

    /// <summary>Calls <paramref name="handler"/>, which must not wait, for each such signal; its usual effect is gone.</summary>
    /// <exception cref="StartException">No thread or descriptor can be had for it.</exception>
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
            // A runtime that has it no more: then as it does it.
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
            // The first one starts the runtime's thread for signals, and makes a pipe.
            throw errno == Errno.EAGAIN.Number ? Reserves.NoThread() : new StartException($"cannot wait for signals: {new Errno(errno).Text}");
        }
    }

    /// <returns>1: handled; 0: the signal is to have its usual effect.</returns>
    [UnmanagedCallersOnly]
    static int Handle(int number, int signal)
    {
        if ((uint)number >= (uint)s_handlers.Length || s_handlers[number] is not { } handler)
            return 0;
        handler();
        return 1;
    }

    // Not for others by its documentation; the file that is published has the very runtime it was built with.
    [LibraryImport("libSystem.Native")]
    private static partial void SystemNative_SetPosixSignalHandler(delegate* unmanaged<int, int, int> handler);
}
