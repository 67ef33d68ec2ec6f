using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using UUIDNext;

namespace Kgents.Streaming.Usage;

/// <summary>Turns a model call into the event that is billed, or shown as not billed.</summary>
internal static class UsageEvents
{
    /// <summary>The namespace of all usage event ids (UUIDv5). Changing it would make every repeated event a new one.</summary>
    private static readonly Guid Namespace = new("6f6f3a52-5d0c-4f4e-9b0e-2a7c1f8f7d61");

    /// <summary>The one call of an attempt; agents with tools will have more.</summary>
    private const string FirstCall = "0";

    public static UsagePayload Create(ModelCall call, DateTimeOffset finalAt)
    {
        var used = call.Used?.Buckets ?? TokenBuckets.None;
        var type = call.IsBillable ? UsageEvent.BillableType : UsageEvent.NonBillableType;
        var id = Id(call, type).ToString();
        var usageEvent = new UsageEvent(id, type, call.Address.Tenant, finalAt.UtcDateTimeText(), new UsageData
        {
            TurnId = call.Address.Turn,
            SessionId = call.Address.Session,
            MessageId = call.Address.Turn.AssistantMessageId,
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

    /// <summary>
    /// A billable call has the same id whichever attempt delivered it, so that a turn is billed once. One that is not billed has its attempt in
    /// the id: each dead attempt is a call of its own. The last part is the revision, which only a correction changes.
    /// </summary>
    private static Guid Id(ModelCall call, string type)
    {
        var ordinal = call.IsBillable ? FirstCall : $"{FirstCall}.{call.Attempt}";
        return Uuid.NewNameBased(Namespace, $"{call.Address.Tenant}|{call.Address.Turn}|{ordinal}|{type}|0");
    }

    private static string UtcDateTimeText(this DateTimeOffset instant) =>
        instant.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
