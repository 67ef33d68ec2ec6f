using Kgents.Contracts;
using Kgents.Flux;

namespace Kgents.Tests.Flux;

/// <summary>The states of a flux, and what each lets happen.</summary>
public sealed class FluxStateTests : KgentFluxTest
{
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
}
