using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Tests.Contracts.Usage;

public sealed class UsageEventTests
{
    private static readonly UsageEvent Event = new(
        "0b0f6b0e-0000-5000-8000-000000000001", UsageEvent.BillableType, TenantId.Parse("acme"), "2026-01-02T03:04:05.678Z", new UsageData
        {
            TurnId = TurnId.Parse("t-0123456789abcdef0123456789abcdef"),
            SessionId = SessionId.Parse("s0-0123456789abcdef0123456789abcdef"),
            MessageId = "a-0123456789abcdef0123456789abcdef",
            CallIndex = "0",
            Attempt = "1",
            Model = "gpt-x",
            ModelServed = "gpt-x-2026",
            Provider = "openai",
            Outcome = "completed",
            Billable = "true",
            UsageSource = "provider",
            DurationMs = "12",
            InputTokensUncached = "9007199254740993",
            CacheReadTokens = "2",
            CacheWriteTokens = "0",
            OutputTokensVisible = "3",
            ReasoningTokens = "4",
            InputTokens = "9007199254740995",
            OutputTokens = "7",
            TotalTokens = "9007199254741002",
        });

    /// <summary>To the byte: what OpenMeter's meters are configured with, and what a retry must repeat.</summary>
    [Fact]
    public void UsageEvent_IsExactlyThisCloudEvent() => Assert.Equal(
        """{"id":"0b0f6b0e-0000-5000-8000-000000000001","type":"kgents.llm.usage.v1","subject":"acme","time":"2026-01-02T03:04:05.678Z","data":{"schema":"1","turn_id":"t-0123456789abcdef0123456789abcdef","session_id":"s0-0123456789abcdef0123456789abcdef","message_id":"a-0123456789abcdef0123456789abcdef","call_index":"0","attempt":"1","agent":"kgent","model":"gpt-x","model_served":"gpt-x-2026","provider":"openai","outcome":"completed","billable":"true","usage_source":"provider","requests":"1","duration_ms":"12","input_tokens_uncached":"9007199254740993","cache_read_tokens":"2","cache_write_tokens":"0","output_tokens_visible":"3","reasoning_tokens":"4","input_tokens":"9007199254740995","output_tokens":"7","total_tokens":"9007199254741002"},"specversion":"1.0","source":"urn:kgents:streaming","datacontenttype":"application/json"}""",
        JsonSerializer.Serialize(Event, WireJson.Default.UsageEvent));

    /// <summary>CloudEvents allows lower-case letters and digits in its own names; a JSON number would lose a quantity beyond 2^53.</summary>
    [Fact]
    public void UsageEvent_HasOnlyCloudEventsNames_AndOnlyStringsInItsData()
    {
        var json = JsonSerializer.SerializeToElement(Event, WireJson.Default.UsageEvent);

        Assert.All(json.EnumerateObject(), property => Assert.Matches("^[a-z0-9]+$", property.Name));
        Assert.All(json.GetProperty("data").EnumerateObject(), property => Assert.Equal(JsonValueKind.String, property.Value.ValueKind));
    }

    [Fact]
    public void UsageEvent_IsRefused_WithoutAQuantity()
    {
        var json = JsonSerializer.Serialize(Event, WireJson.Default.UsageEvent).Replace("\"total_tokens\"", "\"tokens\"", StringComparison.Ordinal);

        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, WireJson.Default.UsageEvent));
    }
}
