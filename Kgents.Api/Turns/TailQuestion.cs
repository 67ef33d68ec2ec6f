namespace Kgents.Api.Turns;

/// <summary>The last message of a subject.</summary>
/// <param name="Sequence">0 when there is none.</param>
internal readonly record struct Tail(ulong Sequence, bool HasData);

/// <summary>Who waits to be told of one, and since when.</summary>
internal sealed class TailQuestion(long number, string request, string subject, long asked) : TaskCompletionSource<Tail?>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public long Number => number;

    public string Request => request;

    public string Subject => subject;

    public long Asked => asked;

    /// <summary>There is no answer.</summary>
    public void GiveUp() => TrySetResult(null);
}
