using System.Threading.Channels;
using Kgents.Contracts;
using Kgents.Flux;
using Microsoft.Extensions.Time.Testing;

namespace Kgents.Tests.Flux;

/// <summary>The states of a flux and what each lets happen; what comes in, in which order, and what becomes of who waits.</summary>
public sealed class KgentFluxTests : IAsyncDisposable
{
    private readonly SpeakingModel model = new();
    private readonly FakeTimeProvider time = new();
    private readonly Channel<SoulEvent> source = Channel.CreateUnbounded<SoulEvent>();
    private readonly List<KgentFlux> made = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var flux in made)
        {
            await flux.DisposeAsync();
        }

        model.Dispose();
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task States_FollowOneAnother_AsTheTableSays()
    {
        var flux = Make();
        Assert.Equal(FluxState.Dormant, flux.State);
        Assert.Throws<InvalidOperationException>(flux.Reset);

        var output = flux.Start(source.Reader.ReadAllAsync(Cancelled)).GetAsyncEnumerator(Cancelled);
        Assert.Equal(FluxState.Flowing, flux.State);
        Assert.Throws<InvalidOperationException>(() => flux.Start(source.Reader.ReadAllAsync(Cancelled)));
        Assert.Throws<InvalidOperationException>(flux.Reset);

        source.Writer.TryWrite(Ping("1"));
        source.Writer.Complete();
        await Hosting.Eventually.TrueAsync(() => flux.State is FluxState.Draining);
        Assert.Equal("2", (await flux.InvokeAsync(Ping("2"), Cancelled)).CorrelationId);
        Assert.Throws<InvalidOperationException>(() => flux.Start(source.Reader.ReadAllAsync(Cancelled)));
        Assert.Throws<InvalidOperationException>(flux.Reset);

        Assert.True(await output.MoveNextAsync());
        Assert.Equal("1", output.Current.CorrelationId);
        Assert.False(await output.MoveNextAsync());
        await flux.WaitAsync(Cancelled);
        Assert.Equal(FluxState.Stopped, flux.State);
        await Assert.ThrowsAsync<FluxStoppedException>(() => flux.InvokeAsync(Ping("3"), Cancelled));
        Assert.Throws<FluxStoppedException>(() => flux.RespondAsync(Say("hello"), Cancelled));
        Assert.Equal(2, flux.EventsProcessed);

        flux.Reset();
        Assert.Equal((FluxState.Dormant, 0, 1000), (flux.State, flux.EventsProcessed, flux.EntropyRemaining));
        Assert.Equal("4", (await flux.InvokeAsync(Ping("4"), Cancelled)).CorrelationId);
        await flux.StopAsync();
        Assert.Equal(FluxState.Stopped, flux.State);
    }

    /// <summary>While its output is still to be read.</summary>
    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task DrainingFlux_IsStopped_WhenItIsTold_AndItsOutputStaysReadable()
    {
        var flux = Make();
        var output = flux.Start(Of(Ping("1"))).GetAsyncEnumerator(Cancelled);
        await Hosting.Eventually.TrueAsync(() => flux.State is FluxState.Draining);

        await flux.StopAsync();

        Assert.Equal(FluxState.Stopped, flux.State);
        await Assert.ThrowsAsync<FluxStoppedException>(() => flux.InvokeAsync(Ping("2"), Cancelled));
        Assert.True(await output.MoveNextAsync());
        Assert.Equal("1", output.Current.CorrelationId);
        Assert.False(await output.MoveNextAsync());
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task DormantFlux_IsStopped_WhenItsEntropyIsSpent()
    {
        var flux = Make(new KgentFluxOptions { EntropyBudget = 2, EntropyDecay = 1 });
        await flux.InvokeAsync(Ping("1"), Cancelled);
        Assert.Equal(FluxState.Dormant, flux.State);

        await flux.InvokeAsync(Ping("2"), Cancelled);

        Assert.Equal((FluxState.Stopped, 0), (flux.State, flux.EntropyRemaining));
        await Assert.ThrowsAsync<FluxStoppedException>(() => flux.InvokeAsync(Ping("3"), Cancelled));
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task DrainingFlux_IsStopped_WhenAVisitorSpendsTheLastOfItsEntropy()
    {
        var flux = Make(new KgentFluxOptions { EntropyBudget = 2, EntropyDecay = 1, PulseInterval = null });
        var output = flux.Start(Of(Ping("1"))).GetAsyncEnumerator(Cancelled);
        await Hosting.Eventually.TrueAsync(() => flux.State is FluxState.Draining);

        await flux.InvokeAsync(Ping("2"), Cancelled);

        await Hosting.Eventually.TrueAsync(() => flux.State is FluxState.Stopped);
        Assert.True(await output.MoveNextAsync());
        Assert.False(await output.MoveNextAsync());
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Start_BeginsAnew_WhenStopped()
    {
        var flux = Make();
        await flux.InvokeAsync(Ping("1"), Cancelled);
        await flux.StopAsync();

        var again = await flux.Start(Of(Ping("2"), Ping("3"))).ToListAsync(Cancelled);

        Assert.Equal(["2", "3"], again.Select(each => each.CorrelationId));
        Assert.Equal((2, 998), (flux.EventsProcessed, flux.EntropyRemaining));
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Output_IsInTheOrderOfTheSource_WithItsCorrelationIds()
    {
        var flux = Make();

        var output = await flux.Start(Of([.. Enumerable.Range(0, 300).Select(SoulEvent (number) => number % 3 == 0 ? Say("hm", $"{number}") : Ping($"{number}"))])).ToListAsync(Cancelled);

        Assert.Equal(Enumerable.Range(0, 300).Select(number => $"{number}"), output.Select(each => each.CorrelationId));
        Assert.All(output.OfType<DialogueTurn>(), turn => Assert.Equal(("You said: hm", 15, 3), (turn.Reply!.Text, turn.Reply.TokensUsed, turn.Reply.Chunks)));
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Source_IsReadNoFasterThanTheOutput_AndNothingIsLost()
    {
        var taken = 0;
        var flux = Make(new KgentFluxOptions { BufferSize = 2, PulseInterval = null });
        var events = Enumerable.Range(0, 50).Select(SoulEvent (number) =>
        {
            Interlocked.Increment(ref taken);
            return Ping($"{number}");
        });
        var output = flux.Start(events.ToAsyncEnumerable()).GetAsyncEnumerator(Cancelled);

        // Two in the output and one that waits for its place; who comes from outside is let in all the same.
        await Hosting.Eventually.TrueAsync(() => Volatile.Read(ref taken) == 3);
        for (var visit = 0; visit < 10; visit++)
        {
            await flux.InvokeAsync(Ping("visit"), Cancelled);
        }

        Assert.Equal(3, Volatile.Read(ref taken));
        for (var number = 0; number < 50; number++)
        {
            Assert.True(await output.MoveNextAsync());
            Assert.Equal($"{number}", output.Current.CorrelationId);
        }

        Assert.False(await output.MoveNextAsync());
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Visitors_GoBeforeTheSource_FirstComeFirstServed_AndTheAnswerIsTheirsAlone()
    {
        var flux = Make();
        var mirror = new FluxMirror();
        flux.Mirror = mirror;
        var observed = mirror.Observe();
        source.Writer.TryWrite(Say(SpeakingModel.Silence, "busy"));
        var output = flux.Start(source.Reader.ReadAllAsync(Cancelled)).GetAsyncEnumerator(Cancelled);
        await Hosting.Eventually.TrueAsync(() => !model.Asked.IsEmpty);
        await flux.StopAsync();

        // A second stream, held up by a visitor: what comes meanwhile, from both sides, waits.
        var held = new TaskCompletionSource();
        var slow = new SpeakingModel(_ =>
        {
            held.Task.Wait(Cancelled);
            return "done";
        });
        var other = Make(model: slow, mirror: mirror);
        var reading = other.Start(source.Reader.ReadAllAsync(Cancelled)).Take(3).ToListAsync(Cancelled);
        var first = other.InvokeAsync(Say("hold", "v0"), Cancelled);
        await Hosting.Eventually.TrueAsync(() => !slow.Asked.IsEmpty);
        foreach (var id in new[] { "s1", "s2", "s3" })
        {
            source.Writer.TryWrite(Ping(id));
        }

        var visits = Enumerable.Range(1, 20).Select(number => other.InvokeAsync(Ping($"v{number}"), Cancelled)).ToList();
        held.SetResult();

        Assert.Equal(Enumerable.Range(1, 20).Select(number => $"v{number}"), (await Task.WhenAll(visits)).Select(each => each.CorrelationId));
        Assert.Equal("done", Assert.IsType<DialogueTurn>(await first).Reply!.Text);
        Assert.Equal(["s1", "s2", "s3"], (await reading).Select(each => each.CorrelationId));
        var order = await observed.Where(each => each is Ping).Take(23).Select(each => each.CorrelationId).ToListAsync(Cancelled);
        Assert.Equal([.. Enumerable.Range(1, 20).Select(number => $"v{number}"), "s1", "s2", "s3"], order);
        await output.DisposeAsync();
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Stop_TellsWhoWaits_StopsTheWork_AndLeavesTheOutputReadable()
    {
        var flux = Make(new KgentFluxOptions { PulseInterval = null });
        source.Writer.TryWrite(Ping("1"));
        var output = flux.Start(source.Reader.ReadAllAsync(Cancelled)).GetAsyncEnumerator(Cancelled);
        await Hosting.Eventually.TrueAsync(() => flux.EventsProcessed == 1);
        var working = flux.InvokeAsync(Say(SpeakingModel.Silence), Cancelled);
        await Hosting.Eventually.TrueAsync(() => !model.Asked.IsEmpty);
        var waiting = Enumerable.Range(0, 5).Select(_ => flux.InvokeAsync(Ping("late"), Cancelled)).ToList();
        var speaking = flux.RespondAsync(Say("hello"), Cancelled).ToListAsync(Cancelled);

        await flux.StopAsync();

        await Assert.ThrowsAsync<FluxStoppedException>(() => working);
        await model.LetGo.WaitAsync(Cancelled);
        foreach (var each in waiting)
        {
            await Assert.ThrowsAsync<FluxStoppedException>(() => each);
        }

        await Assert.ThrowsAsync<FluxStoppedException>(async () => await speaking);
        Assert.True(await output.MoveNextAsync());
        Assert.False(await output.MoveNextAsync());
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Reader_ThatLeaves_StopsTheFlux_AndItsSourceIsLetGo()
    {
        var letGo = new TaskCompletionSource();
        var flux = Make();

        await foreach (var each in flux.Start(Endless(letGo, Cancelled)))
        {
            Assert.Equal("1", each.CorrelationId);
            break;
        }

        await letGo.Task.WaitAsync(Cancelled);
        await flux.WaitAsync(Cancelled);
        Assert.Equal(FluxState.Stopped, flux.State);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Timeout_StopsTheWork_AndTheStreamGoesOn()
    {
        var flux = Make(new KgentFluxOptions { PulseInterval = null });
        var output = flux.Start(source.Reader.ReadAllAsync(Cancelled)).GetAsyncEnumerator(Cancelled);
        var working = flux.InvokeAsync(Say(SpeakingModel.Silence), Cancelled);
        await Hosting.Eventually.TrueAsync(() => !model.Asked.IsEmpty);
        using var leaves = new CancellationTokenSource();
        var waiting = flux.InvokeAsync(Ping("behind"), leaves.Token);
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        time.Advance(TimeSpan.FromSeconds(31));

        await Assert.ThrowsAsync<TimeoutException>(() => working);
        await model.LetGo.WaitAsync(Cancelled);
        Assert.Equal("next", (await flux.InvokeAsync(Ping("next"), Cancelled)).CorrelationId);
        Assert.Equal(2, flux.EventsProcessed);
        source.Writer.TryWrite(Ping("1"));
        Assert.True(await output.MoveNextAsync());
        Assert.Equal("1", output.Current.CorrelationId);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Entropy_EndsTheStream_AndNobodyWaitsForNothing()
    {
        var flux = Make(new KgentFluxOptions { EntropyBudget = 3, EntropyDecay = 1, PulseInterval = null });
        var letGo = new TaskCompletionSource();
        source.Writer.TryWrite(Ping("1"));
        source.Writer.TryWrite(Ping("2"));
        source.Writer.TryWrite(Say(SpeakingModel.Failure, "3"));
        var output = flux.Start(source.Reader.ReadAllAsync(Cancelled));

        var events = await output.ToListAsync(Cancelled);

        Assert.Equal(["1", "2", "3"], events.Select(each => each.CorrelationId));
        Assert.Equal((FluxState.Stopped, 3, 0), (flux.State, flux.EventsProcessed, flux.EntropyRemaining));
        await Assert.ThrowsAsync<FluxStoppedException>(() => flux.InvokeAsync(Ping("4"), Cancelled));

        // The last of it is spent by a visitor: those behind it are told at once, and the silent source is let go.
        flux.Reset();
        var endless = flux.Start(Endless(letGo, Cancelled)).GetAsyncEnumerator(Cancelled);
        Assert.True(await endless.MoveNextAsync());
        var visits = Enumerable.Range(0, 4).Select(_ => flux.InvokeAsync(Ping("v"), Cancelled)).ToList();
        Assert.Equal(2, (await Task.WhenAll(visits.Select(async visit =>
        {
            try
            {
                await visit;
                return 1;
            }
            catch (FluxStoppedException)
            {
                return 0;
            }
        }))).Sum());
        Assert.False(await endless.MoveNextAsync());
        await letGo.Task.WaitAsync(Cancelled);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Fault_IsAnEventWithoutItsText_AndTheStreamGoesOn()
    {
        var flux = Make();

        var events = await flux.Start(Of(Say(SpeakingModel.Failure, "c1"), Ping("c2"))).ToListAsync(Cancelled);

        var error = Assert.IsType<SoulError>(events[0]);
        Assert.Equal(("c1", "InvalidDataException", "dialogue_turn"), (error.CorrelationId, error.ErrorType, error.OriginalEventType));
        Assert.DoesNotContain("secret", error.ToJson(), StringComparison.Ordinal);
        Assert.Equal("c2", events[1].CorrelationId);
        Assert.Equal((2, 998), (flux.EventsProcessed, flux.EntropyRemaining));
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Fault_OfTheSource_IsTheReaders_AfterAllThatCameBefore()
    {
        var flux = Make();
        var seen = new List<SoulEvent>();

        source.Writer.TryWrite(Ping("1"));
        source.Writer.Complete(new GivenFault());
        await Assert.ThrowsAsync<GivenFault>(async () =>
        {
            await foreach (var each in flux.Start(source.Reader.ReadAllAsync(Cancelled)))
            {
                seen.Add(each);
            }
        });

        Assert.Single(seen);
        await flux.WaitAsync(Cancelled);
        Assert.Equal(FluxState.Stopped, flux.State);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Source_WithALongGap_IsLeftAlone_WhateverElseHappens()
    {
        var gap = new TaskCompletionSource();
        var (begun, cancelled) = (0, false);
        var flux = Make(new KgentFluxOptions { PulseInterval = TimeSpan.FromMilliseconds(50) });
        var output = flux.Start(Gapped(Cancelled)).GetAsyncEnumerator(Cancelled);

        for (var beat = 0; beat < 20; beat++)
        {
            var next = output.MoveNextAsync().AsTask();
            await Hosting.Eventually.TrueAsync(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(50));
                return next.IsCompleted;
            });
            Assert.True(await next);
            Assert.IsType<Pulse>(output.Current);
            await flux.InvokeAsync(Ping("visit"), Cancelled);
        }

        gap.SetResult();
        SoulEvent? last = null;
        while (await output.MoveNextAsync())
        {
            last = output.Current is Pulse ? last : output.Current;
        }

        Assert.Equal(("after the gap", 1, false), (last?.CorrelationId, begun, cancelled));

        async IAsyncEnumerable<SoulEvent> Gapped([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
        {
            begun++;
            using var seen = token.Register(() => cancelled = true);
            await gap.Task.WaitAsync(token);
            yield return Ping("after the gap");
        }
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Pulse_BeatsWhileFlowingOnly_AndNotAtAllWhenItIsOff()
    {
        var flux = Make();
        time.Advance(TimeSpan.FromMinutes(5));
        await flux.InvokeAsync(Ping("1"), Cancelled);
        Assert.Equal(1, flux.EventsProcessed);

        var output = flux.Start(source.Reader.ReadAllAsync(Cancelled)).GetAsyncEnumerator(Cancelled);
        source.Writer.TryWrite(Ping("2"));
        Assert.True(await output.MoveNextAsync());
        Assert.IsType<Ping>(output.Current);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.True(await output.MoveNextAsync());
        Assert.Equal((true, "reflect"), (Assert.IsType<Pulse>(output.Current).IsHealthy, output.Current.SoulState!.Mode));
        source.Writer.Complete();
        Assert.False(await output.MoveNextAsync());

        var silent = Make(new KgentFluxOptions { PulseInterval = null });
        var events = silent.Start(Of(Ping("1"))).GetAsyncEnumerator(Cancelled);
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(await events.MoveNextAsync());
        Assert.IsType<Ping>(events.Current);
        Assert.False(await events.MoveNextAsync());
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Respond_IsTheSame_DormantAndInAStream()
    {
        var flux = Make();
        var dormant = await flux.RespondAsync(Say("one two three"), Cancelled).ToListAsync(Cancelled);
        _ = flux.Start(source.Reader.ReadAllAsync(Cancelled));

        var inStream = await flux.RespondAsync(Say("one two three"), Cancelled).ToListAsync(Cancelled);

        Assert.Equal(dormant.OfType<FluxText>(), inStream.OfType<FluxText>());
        Assert.Equal(15, inStream.OfType<FluxMetadata>().Single().Usage!.InputTokenCount + inStream.OfType<FluxMetadata>().Single().Usage!.OutputTokenCount);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await flux.RespondAsync(Say(SpeakingModel.Failure), Cancelled).ToListAsync(Cancelled));
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task EveryEvent_IsAnsweredAsTheTableSays()
    {
        var flux = Make();

        async Task<TEvent> InvokeAsync<TEvent>(SoulEvent soulEvent) => Assert.IsType<TEvent>(await flux.InvokeAsync(soulEvent, Cancelled));
        var now = time.GetUtcNow();

        Assert.Equal(Eigenvectors.Default, (await InvokeAsync<EigenvectorProbe>(new EigenvectorProbe { Timestamp = now })).Eigenvectors);
        var acknowledged = await InvokeAsync<DialogueTurn>(new ModeChange("CHALLENGE") { Timestamp = now, CorrelationId = "m" });
        Assert.Equal(("challenge", "m", "challenge"), (acknowledged.Mode, acknowledged.CorrelationId, acknowledged.SoulState!.Mode));
        await InvokeAsync<DialogueTurn>(Say("hello"));
        Assert.Equal(0.6f, model.Asked.Last().Options!.Temperature);
        Assert.Equal(new SoulState("challenge", 1, 15), (await InvokeAsync<StateSnapshot>(new StateSnapshot { Timestamp = now })).SoulState);
        Assert.Equal("reflect", (await InvokeAsync<DialogueTurn>(new ModeChange("dance") { Timestamp = now })).Mode);
        var ping = Ping("p");
        Assert.Same(ping, await flux.InvokeAsync(ping, Cancelled));
        foreach (var ambient in SoulEventTests.OfEveryKind.Values.Where(each => each.IsAmbient))
        {
            Assert.NotNull((await flux.InvokeAsync(ambient, Cancelled)).SoulState);
        }

        Assert.NotNull((await InvokeAsync<Perturbation>(new Perturbation("knock", 0.7) { Timestamp = now })).SoulState);
        var thought = await InvokeAsync<Thought>(new Perturbation("bang", 0.71) { Timestamp = now, CorrelationId = "b" });
        Assert.Equal(("bang", 2, "b"), (thought.Content, thought.Depth, thought.CorrelationId));
        Assert.All(SoulEventTests.OfEveryKind.Values.Where(each => each.IsDream), dream => Assert.Same(dream, flux.InvokeAsync(dream, Cancelled).GetAwaiter().GetResult()));
    }

    [Fact]
    public void Options_ThatCannotBe_AreAllNamed()
    {
        var fault = Assert.Throws<ArgumentException>(() => Make(new KgentFluxOptions { BufferSize = 0, EntropyBudget = double.NaN, EntropyDecay = -1, PulseInterval = TimeSpan.Zero, PerturbationTimeout = TimeSpan.Zero }));

        Assert.All(["BufferSize", "EntropyBudget", "EntropyDecay", "PulseInterval", "PerturbationTimeout"], name => Assert.Contains(name, fault.Message, StringComparison.Ordinal));
    }

    private KgentFlux Make(KgentFluxOptions? options = null, SpeakingModel? model = null, FluxMirror? mirror = null)
    {
        var flux = new KgentFlux(new Soul(model ?? this.model, new SoulSeed(), time), options, time) { Mirror = mirror };
        made.Add(flux);
        return flux;
    }

    private Ping Ping(string id) => new() { Timestamp = time.GetUtcNow(), CorrelationId = id };

    private DialogueTurn Say(string message, string? id = null) => new(message) { Timestamp = time.GetUtcNow(), CorrelationId = id };

    private static IAsyncEnumerable<SoulEvent> Of(params IReadOnlyList<SoulEvent> events) => events.ToAsyncEnumerable();

    /// <summary>One event, and then nothing until it is let go.</summary>
    private async IAsyncEnumerable<SoulEvent> Endless(TaskCompletionSource letGo, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
    {
        try
        {
            yield return Ping("1");
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
        }
        finally
        {
            letGo.SetResult();
        }
    }
}
