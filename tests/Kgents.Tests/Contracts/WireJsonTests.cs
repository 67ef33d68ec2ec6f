using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Tests.Contracts;

public sealed class WireJsonTests
{
    [Fact]
    public void Nulls_AreLeftOut()
    {
        var committed = new TurnCommitted(TurnStatus.Completed, null, "a-1", "ff", 0, 1, "m", TokenCounts.None, DateTimeOffset.UnixEpoch, []);

        var json = JsonSerializer.SerializeToElement(committed, WireJson.Default.TurnCommitted);

        Assert.False(json.TryGetProperty("error_code", out _));
        Assert.DoesNotContain(json.EnumerateObject(), property => property.Value.ValueKind is JsonValueKind.Null);
    }

    [Fact]
    public void DeadLetter_KeepsItsBytes_WhateverTheyAre()
    {
        byte[] payload = [0, 0xff, 0xfe, (byte)'\n', (byte)'{'];
        var letter = new DeadLetter("KGENTS_MESSAGES", ulong.MaxValue, "kgents.messages.0.acme.s.user", "unreadable", payload, DateTimeOffset.UnixEpoch);

        var json = JsonSerializer.Serialize(letter, WireJson.Default.DeadLetter);
        var read = JsonSerializer.Deserialize(json, WireJson.Default.DeadLetter)!;

        Assert.Equal(payload, read.Payload.ToArray());
        Assert.Equal(ulong.MaxValue, read.Sequence);
    }
}
