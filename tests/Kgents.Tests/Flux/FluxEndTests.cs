using Kgents.Flux;

namespace Kgents.Tests.Flux;

/// <summary>How a flux ends, by whomever, and what becomes of who waits.</summary>
public sealed class FluxEndTests : KgentFluxTest
{
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
}
