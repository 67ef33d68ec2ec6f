using Kgents.Contracts;

namespace Kgents.Streaming.Usage;

/// <summary>One call of a model, as its usage event tells it.</summary>
/// <param name="Outcome"><c>completed</c>, <c>upstream_error</c>, <c>reply_too_long</c>, <c>interrupted</c> or <c>client_cancelled</c>.</param>
/// <param name="Used">What is charged; null when nothing was delivered.</param>
internal sealed record ModelCall(TurnAddress Address, int Attempt, string Model, string ModelServed, string Provider, string Outcome, CallUsage? Used, TimeSpan Duration)
{
    public const string Completed = "completed";
    public const string UpstreamError = "upstream_error";
    public const string Interrupted = "interrupted";
    public const string ClientCancelled = "client_cancelled";

    /// <summary>Billed is only what was delivered. Failures and templates are not.</summary>
    public bool IsBillable => Outcome is Completed or ClientCancelled && Used is not null;
}
