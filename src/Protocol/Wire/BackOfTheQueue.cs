using System.Runtime.CompilerServices;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// Lets others have the thread first. <c>Task.Yield</c> does not: it goes on before everything that waits in the pool's common queue.
/// </summary>
public readonly struct BackOfTheQueue : ICriticalNotifyCompletion
{
    public bool IsCompleted => false;

    public BackOfTheQueue GetAwaiter() => this;

    public void GetResult() { }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) =>
        ThreadPool.UnsafeQueueUserWorkItem(static next => next(), continuation, preferLocal: false);
}
