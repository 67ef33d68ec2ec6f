using Kgents.Flux;

namespace Kgents.Tests.Flux;

/// <summary>Observers see what a flux does, and cannot touch it.</summary>
public sealed class FluxMirrorTests
{
    private static readonly CancellationToken Cancelled = TestContext.Current.CancellationToken;

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Observer_SeesThePast_ThenWhatComes()
    {
        var mirror = new FluxMirror(history: 3);
        Show(mirror, 1, 5);
        var observed = mirror.Observe();
        Show(mirror, 6, 7);

        Assert.Equal(["3", "4", "5", "6", "7"], await Contents(observed.Take(5)));
        Assert.Equal(0, mirror.Observers);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Observer_ThatFallsBehind_IsLetGo_AndReadsAllUntilThen()
    {
        var mirror = new FluxMirror(history: 3);
        var slow = mirror.Observe();
        var other = mirror.Observe();
        Show(mirror, 1, 6);
        Assert.Equal(6, await other.Take(6).CountAsync(Cancelled));
        Show(mirror, 7, 7);
        Assert.Equal(0, mirror.Observers);

        var seen = new List<SoulEvent>();
        await Assert.ThrowsAsync<FluxObserverTooSlowException>(async () =>
        {
            await foreach (var each in slow)
            {
                seen.Add(each);
            }
        });
        Assert.Equal(6, seen.Count);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Flux_ShowsEveryPieceAndTheWhole_AndGoesOn_WhileNobodyReads()
    {
        var mirror = new FluxMirror(history: 2);
        await using var flux = new KgentFlux(new Soul(new SpeakingModel(), new SoulSeed(), TimeProvider.System)) { Mirror = mirror };
        _ = mirror.Observe();
        var reader = new FluxMirror(history: 10);

        flux.Mirror = reader;
        var observed = reader.Observe();
        await flux.InvokeAsync(new DialogueTurn("hello you") { Timestamp = TimeProvider.System.GetUtcNow(), CorrelationId = "c" }, Cancelled);
        flux.Mirror = mirror;
        for (var i = 0; i < 20; i++)
        {
            await flux.InvokeAsync(new DialogueTurn("hello you") { Timestamp = TimeProvider.System.GetUtcNow() }, Cancelled);
        }

        var shown = await observed.Take(5).Cast<DialogueTurn>().ToListAsync(Cancelled);
        Assert.Equal(["You", " said:", " hello", " you", "You said: hello you"], shown.Select(turn => turn.Reply!.Text));
        Assert.Equal([false, false, false, false, true], shown.Select(turn => turn.Reply!.IsFinal));
        Assert.All(shown, turn => Assert.Equal("c", turn.CorrelationId));
        Assert.Equal((0, 21), (mirror.Observers, flux.EventsProcessed));
    }

    private static void Show(FluxMirror mirror, int from, int to)
    {
        for (var i = from; i <= to; i++)
        {
            mirror.Show(new Thought($"{i}") { Timestamp = TimeProvider.System.GetUtcNow() });
        }
    }

    private static async Task<List<string>> Contents(IAsyncEnumerable<SoulEvent> events) => await events.Cast<Thought>().Select(thought => thought.Content).ToListAsync(Cancelled);
}
