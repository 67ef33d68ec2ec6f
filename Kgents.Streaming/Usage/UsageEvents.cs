using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Usage;
using Kgents.Streaming.Turns;

namespace Kgents.Streaming.Usage;

/// <summary>Turns a model call into the event that is billed, or shown as not billed; and a turn into its own.</summary>
internal static class UsageEvents
{
    /// <summary>The one call of an attempt; agents with tools will have more.</summary>
    private const string FirstCall = "0";

    private const string Failed = "failed";

    /// <param name="key">With which the turn's message was sent.</param>
    public static UsagePayload Create(ModelCall call, ApiKeyId? key, DateTimeOffset finalAt)
    {
        var used = call.Used?.Buckets ?? TokenBuckets.None;
        var type = call.IsBillable ? UsageEvent.BillableType : UsageEvent.NonBillableType;
        var id = Id(call, type);
        var usageEvent = new UsageEvent(id, type, call.Address.Tenant, UsageIds.Text(finalAt), new UsageData
        {
            TurnId = call.Address.Turn,
            SessionId = call.Address.Session,
            MessageId = call.Address.Turn.AssistantMessageId,
            KeyId = key,
            CallIndex = FirstCall,
            Attempt = Text(call.Attempt),
            Model = call.Model,
            ModelServed = call.ModelServed,
            Provider = call.Provider,
            Outcome = call.Outcome,
            Billable = call.IsBillable ? "true" : "false",
            UsageSource = call.Used?.Source ?? "none",
            DurationMs = Text((long)call.Duration.TotalMilliseconds),
            InputTokensUncached = Text(used.InputUncached),
            CacheReadTokens = Text(used.CacheRead),
            CacheWriteTokens = Text(used.CacheWrite),
            OutputTokensVisible = Text(used.OutputVisible),
            ReasoningTokens = Text(used.Reasoning),
            InputTokens = Text(used.Input),
            OutputTokens = Text(used.Output),
            TotalTokens = Text(used.Input + used.Output),
        });
        return new UsagePayload(id, JsonSerializer.Serialize(usageEvent, WireJson.Default.UsageEvent));
    }

    /// <summary>The turn's own event: one, with what its commit says.</summary>
    /// <param name="calls">How many there were.</param>
    /// <param name="duration">Of the attempt that is committed.</param>
    public static UsagePayload Create(QueuedTurn turn, TurnCommitted commit, int calls, TimeSpan duration)
    {
        var (address, message) = (turn.Address, turn.Message);
        var id = UsageIds.New(address.Tenant, address.Turn.ToString(), "0", UsageEvent.TurnType);
        var usageEvent = new UsageEvent<TurnUsageData>(id, UsageEvent.TurnType, address.Tenant, UsageIds.Text(commit.CommittedAt), new TurnUsageData
        {
            TurnId = address.Turn,
            SessionId = address.Session,
            MessageId = commit.MessageId,
            KeyId = message.KeyId,
            Model = commit.Model,
            Mode = message.Mode,
            Outcome = commit.Status switch
            {
                TurnStatus.Completed => ModelCall.Completed,
                TurnStatus.Cancelled => ModelCall.ClientCancelled,
                TurnStatus.Failed => Failed,
                _ => throw new InvalidOperationException($"{commit.Status} is not an end of a turn."),
            },
            ErrorCode = commit.ErrorCode,
            Attempts = Text(commit.Attempt),
            Calls = Text(calls),
            Chunks = Text(commit.Chunks),
            DurationMs = Text((long)duration.TotalMilliseconds),
            ElapsedMs = Text(Math.Max(0, (long)(commit.CommittedAt - message.CreatedAt).TotalMilliseconds)),
            InputTokens = Text(commit.Tokens.Input),
            OutputTokens = Text(commit.Tokens.Output),
            TotalTokens = Text(commit.Tokens.Total),
        });
        return new UsagePayload(id, JsonSerializer.Serialize(usageEvent, WireJson.Default.TurnUsageEvent));
    }

    /// <summary>
    /// A billable call has the same id whichever attempt delivered it, so that a turn is billed once. One that is not billed has its attempt in
    /// the id: each dead attempt is a call of its own. The last part is the revision, which only a correction changes.
    /// </summary>
    private static string Id(ModelCall call, string type) =>
        UsageIds.New(call.Address.Tenant, call.Address.Turn.ToString(), call.IsBillable ? FirstCall : $"{FirstCall}.{call.Attempt}", type);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
