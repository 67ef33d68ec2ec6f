using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Tests.Metering;

/// <summary>Usage events as a worker makes them.</summary>
internal static class UsageSample
{
    private static readonly SessionId Session = SessionId.New(0, TimeProvider.System);

    /// <summary>An hour ago, so that it lies within what a ledger takes, and is none of this instant.</summary>
    public static DateTimeOffset Time { get; } = TimeProvider.System.GetUtcNow().AddHours(-1);

    public static string Event(
        string id, TenantId tenant, long input, long output = 0, string model = "größer", DateTimeOffset? at = null, string type = UsageEvent.BillableType, SessionId? session = null)
    {
        var turn = TurnId.New(TimeProvider.System);
        return JsonSerializer.Serialize(
            new UsageEvent(id, type, tenant, (at ?? Time).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), new UsageData
            {
                TurnId = turn,
                SessionId = session ?? Session,
                MessageId = turn.AssistantMessageId,
                CallIndex = "0",
                Attempt = "1",
                Model = model,
                ModelServed = model,
                Provider = "openai",
                Outcome = "completed",
                Billable = "true",
                UsageSource = "provider",
                DurationMs = "1",
                InputTokensUncached = Text(input),
                CacheReadTokens = Text(input / 3),
                CacheWriteTokens = "0",
                OutputTokensVisible = Text(output),
                ReasoningTokens = Text(output / 4),
                InputTokens = Text(input + (input / 3)),
                OutputTokens = Text(output + (output / 4)),
                TotalTokens = Text(input + (input / 3) + output + (output / 4)),
            }),
            WireJson.Default.UsageEvent);
    }

    /// <summary>Requests as the API records them.</summary>
    public static byte[] Requests(string id, TenantId tenant, long requests, DateTimeOffset at) => JsonSerializer.SerializeToUtf8Bytes(
        new UsageEvent<RequestUsageData>(id, UsageEvent.RequestType, tenant, at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), new RequestUsageData
        {
            RequestId = id,
            KeyId = ApiKeyId.Parse("k-0123456789abcdef0123456789abcdef"),
            Operation = "getSession",
            Requests = Text(requests),
        })
        { Source = UsageEvent.ApiSource },
        WireJson.Default.RequestUsageEvent);

    public static string IdOf(string json) => JsonElement.Parse(json).GetProperty("id").GetString()!;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
