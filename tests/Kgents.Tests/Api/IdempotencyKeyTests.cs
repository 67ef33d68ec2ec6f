using System.Net;
using Kgents.Api.Idempotency;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Kgents.Tests.Api;

public sealed class IdempotencyKeyTests
{
    private static readonly SessionId Session = SessionId.New(0, TimeProvider.System);

    public static TheoryData<string?[], bool> Keys { get; } = new()
    {
        { ["k"], true },
        { ["8e03978e-40d5-43dd-bc93-6894a57f9324"], true },
        { ["!~*.>$KV,\"quoted\""], true },
        { [new string('k', 255)], true },
        { [new string('k', 256)], false },
        { [""], false },
        { [null], false },
        { [" "], false },
        { ["two words"], false },
        { ["tab\tin"], false },
        { ["line\nbreak"], false },
        { ["del\u007f"], false },
        { ["clé"], false },
        { ["one", "two"], false },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void Key_IsOneTo255VisibleAsciiCharacters(string?[] values, bool valid)
    {
        var problem = IdempotencyKey.Read(new HeaderDictionary { ["idempotency-key"] = new StringValues(values) }, out var key);

        Assert.Equal((valid, valid), (problem is null, key is not null));
        Assert.Equal(valid ? null : 400, problem?.StatusCode);
    }

    [Fact]
    public void Key_IsNotThere_WhenTheHeaderIsNot()
    {
        Assert.Null(IdempotencyKey.Read(new HeaderDictionary(), out var key));
        Assert.Null(key);
    }

    [Fact]
    public void EntryKey_IsAHashOfTenantSessionAndKey()
    {
        string[] entries =
        [
            EntryKey("k", "acme", Session), EntryKey("K", "acme", Session), EntryKey("k", "other", Session), EntryKey("k", "acme", SessionId.New(0, TimeProvider.System)),
        ];

        Assert.Equal(entries.Length, entries.Distinct().Count());
        Assert.Equal(entries[0], EntryKey("k", "acme", Session));
        Assert.All(entries, entry => Assert.Matches("^[0-9a-f]{64}$", entry));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Post_IsAnswered400ByName_AndTakesAKeyThatNoSubjectCouldHold()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming);
        var session = await host.Client.CreateSessionAsync();

        foreach (var key in new[] { "two words", "" })
        {
            using var refused = await host.Client.PostAsync(session, key, new { message = "hello" });
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Equal("must be 1 to 255 visible ASCII characters", (await refused.JsonAsync()).GetProperty("errors").GetProperty("Idempotency-Key")[0].GetString());
        }

        var turn = await (await host.Client.PostAsync(session, "*.>$KV.x", new { message = "hello" })).TurnAsync();
        Assert.Equal([turn.Id], await host.AskedAsync(session));
    }

    private static string EntryKey(string text, string tenant, SessionId session)
    {
        Assert.Null(IdempotencyKey.Read(new HeaderDictionary { [IdempotencyKey.Header] = text }, out var key));
        return key!.EntryKey(TenantId.Parse(tenant), session);
    }
}
