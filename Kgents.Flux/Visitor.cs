namespace Kgents.Flux;

/// <summary>An event that waits at the door of a flowing stream, as the work that it asks for.</summary>
/// <param name="leaves">Cancelled when whoever brought it waits no longer: the work stops then, or never begins.</param>
internal sealed class Visitor(Func<CancellationToken, Task> work, CancellationToken leaves)
{
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => done.Task;

    /// <summary>Never throws: what became of the work is told to who brought it.</summary>
    public async Task AdmitAsync()
    {
        try
        {
            leaves.ThrowIfCancellationRequested();
            await work(leaves);
            done.TrySetResult();
        }
        catch (OperationCanceledException) when (leaves.IsCancellationRequested)
        {
            done.TrySetCanceled(leaves);
        }
        catch (Exception exception)
        {
            done.TrySetException(exception);
        }
    }

    public void TurnAway(Exception reason) => done.TrySetException(reason);
}
