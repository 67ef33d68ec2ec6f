using System.Net.Http.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Browser;

/// <summary>What a browser does by itself, with nothing of ours in it but a page that says <c>new EventSource</c>.</summary>
[TakesSeconds(36)]
public sealed class EventSourceTests
{
    /// <summary>More than what Chromium waits when it is told nothing, which is 3 s.</summary>
    private static readonly TimeSpan LongDelay = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan ShortDelay = TimeSpan.FromMilliseconds(200);

    private const int Cuts = 15;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task EventSource_SeesEachEventOnceAndStops_WhenItsConnectionIsCutAgainAndAgain()
    {
        Assert.SkipWhen(Chromium.Missing is not null, Chromium.Missing ?? "");
        await using var system = await StartAsync();
        var (patient, quick) = (system.Api, await system.StartApiAsync(("Turns__Stream__ReconnectDelay", $"{ShortDelay}")));
        var words = Enumerable.Range(0, 300).SelectMany(i => new ModelStep[] { new ModelStep.Token($" wörd {i}"), new ModelStep.Pause(TimeSpan.FromMilliseconds(10)) });
        var script = new ModelScript([new ModelStep.WaitForRelease(), .. words]);
        system.Model.Enqueue(script);
        var session = await system.Client.CreateSessionAsync();
        (await system.Client.PostAsync(session, new { message = "Talk." })).Dispose();
        var turn = (await system.Client.MessagesAsync(session))[0].Text("turn_id");

        // First cut with nothing but the id at which the stream begins, then anywhere. The last event is larger than most of what passes, so one day none is cut.
        var random = new Random(2026);
        await using var proxy = new CuttingProxy(
            system.Key,
            EventSourcePage.Following($"/v1/kgent/sessions/{session}/turns/{turn}/events"),
            connection => connection == 0 ? new Carriage(patient.Address, EndsOpening) : new Carriage(quick.Address, connection <= Cuts ? After(random.Next(1, 3000)) : null));
        await proxy.StartAsync();
        await using var chromium = Chromium.Open(proxy.Address);
        await Eventually.TrueAsync(() => proxy.Streams.Count > 0);
        script.Release();
        var seen = await proxy.ReadToAsync(each => each is { Name: EventSourcePage.State, Data: EventSourcePage.Closed });

        Assert.Equal(await system.ShownOfAsync(turn), seen.Where(each => each.Name != EventSourcePage.State).Select(each => (each.Id, each.Name)));
        Assert.Equal("complete", seen.Last(each => each.Name != EventSourcePage.State).Name);
        var streams = proxy.Streams;
        Assert.InRange(streams.Count(each => each.Cut is not null), 1 + (Cuts / 2), 1 + Cuts);
        Assert.Equal((204, 1), (streams[^1].Status, streams.Count(each => each.Status == 204)));
        Assert.Equal((null, "0"), (streams[0].LastEventId, streams[1].LastEventId));

        // A browser may wait longer, never shorter; and by default it would come back sooner than after the first delay.
        Assert.All(streams.Zip(streams.Skip(1)).Where(pair => pair.First.Cut is not null), (pair, i) =>
            Assert.True(TimeProvider.System.GetElapsedTime(pair.First.Cut!.Value, pair.Second.Came) > 0.9 * (i == 0 ? LongDelay : ShortDelay)));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task EventSource_MissesNothingOfASession_WhenItIsCutBeforeTheFirstEvent()
    {
        Assert.SkipWhen(Chromium.Missing is not null, Chromium.Missing ?? "");
        await using var system = await StartAsync();
        var session = await system.Client.CreateSessionAsync();
        await system.Client.SayAsync(session, "Before the browser came.");

        // It comes without a cursor, so only the opening can tell it where it was; a whole turn happens while it is away.
        var isAway = true;
        await using var proxy = new CuttingProxy(
            system.Key,
            EventSourcePage.Following($"/v1/kgent/sessions/{session}/events"),
            connection => connection == 0 ? new Carriage(system.Api.Address, EndsOpening) : Volatile.Read(ref isAway) ? null : new Carriage(system.Api.Address, null));
        await proxy.StartAsync();
        await using var chromium = Chromium.Open(proxy.Address);
        await Eventually.TrueAsync(() => proxy.Streams.Count > 0);
        var missed = await system.Client.SayAsync(session, "While it was away.");
        Volatile.Write(ref isAway, false);
        var seen = await proxy.ReadToAsync(each => each.Name == "complete");

        Assert.Equal(missed.Select(frame => (frame.Id!, frame.Event)), seen.Where(each => each.Name is not (EventSourcePage.State or "turn")).Select(each => (each.Id, each.Name)));
        Assert.Equal(missed.Turn(), System.Text.Json.JsonElement.Parse(Assert.Single(seen, each => each.Name == "turn").Data).Text("turn_id"));
    }

    /// <summary>Nothing adds a key: the ticket is all that the browser has, also when it comes back.</summary>
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task EventSource_SeesEachEventOnce_WithATicketAlone()
    {
        Assert.SkipWhen(Chromium.Missing is not null, Chromium.Missing ?? "");
        await using var system = await StartAsync();
        var script = new ModelScript([new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two")]);
        system.Model.Enqueue(script);
        var session = await system.Client.CreateSessionAsync();
        (await system.Client.PostAsync(session, new { message = "Talk." })).Dispose();
        var turn = (await system.Client.MessagesAsync(session))[0].Text("turn_id");
        var path = $"/v1/kgent/sessions/{session}/turns/{turn}";
        using var issued = await system.Client.Http.PostAsync(new Uri($"{path}/ticket", UriKind.Relative), null, TestContext.Current.CancellationToken);
        var ticket = (await issued.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(TestContext.Current.CancellationToken)).Text("ticket");

        await using var proxy = new CuttingProxy(
            key: null, EventSourcePage.Following($"{path}/events?ticket={Uri.EscapeDataString(ticket)}"), connection => new Carriage(system.Api.Address, connection == 0 ? EndsWithChunk : null));
        await proxy.StartAsync();
        await using var chromium = Chromium.Open(proxy.Address);
        await Eventually.TrueAsync(() => proxy.Streams.Count > 0);
        script.Release();
        var seen = await proxy.ReadToAsync(each => each is { Name: EventSourcePage.State, Data: EventSourcePage.Closed });

        Assert.Equal(await system.ShownOfAsync(turn), seen.Where(each => each.Name != EventSourcePage.State).Select(each => (each.Id, each.Name)));
        Assert.Equal([200, 200, 204], proxy.Streams.Select(stream => stream.Status));
    }

    private static Task<KgentsSystem> StartAsync() => KgentsSystem.StartAsync(new SystemSettings
    {
        Metering = false,
        Environment = new Dictionary<string, string?> { ["Turns__Stream__ReconnectDelay"] = $"{LongDelay}" },
    });

    /// <summary>Nothing has passed but what opens a stream.</summary>
    private static bool EndsOpening(ReadOnlyMemory<byte> passed) => passed.Span.EndsWith("\n\n"u8);

    private static bool EndsWithChunk(ReadOnlyMemory<byte> passed) => passed.Span.EndsWith("\n\n"u8) && passed.Span.IndexOf("event: chunk"u8) >= 0;

    private static Func<ReadOnlyMemory<byte>, bool> After(int bytes) => passed => passed.Length >= bytes;
}

internal static class ShownEvents
{
    /// <summary>Id and name of each event of a turn, from its log.</summary>
    public static async Task<IReadOnlyList<(string Id, string Name)>> ShownOfAsync(this KgentsSystem system, string turn) =>
    [
        .. from entry in await system.Store.ReadAsync(Streams.Tokens.Name)
           where entry.Subject.EndsWith(turn, StringComparison.Ordinal)
           let kind = entry.Headers[TurnHeaders.Event]
           where kind != TurnEventCodec.HandedOver
           select ($"{entry.Sequence}", kind == TurnEventCodec.Committed ? "usage" : kind),
    ];
}
