using Kgents.Flux;

namespace Kgents.Tests.Flux;

/// <summary>What the laws do not say: what is read when, and who is let go.</summary>
public sealed class FluxOperatorTests
{
    private static readonly FluxMetadata End = new(null, "some-model");

    [Fact]
    public async Task NoOperator_ReadsItsSource_BeforeItIsRead()
    {
        var (one, other) = (GivenFlux.Of("a", "b"), GivenFlux.Of("c"));

        var all = one.Map(text => text + "1").Filter(_ => true).Tap(_ => { }).Chain(other).Merge(GivenFlux.Of("d")).Zip(other, (a, b) => a + b).Take(3).Pipe(FluxOperators.Lift(text => text));

        Assert.Equal((0, 0), (one.Begun, other.Begun));
        Assert.NotEmpty(await all.CollectAsync(TestContext.Current.CancellationToken));
        Assert.Equal((one.Begun, other.Begun), (one.Ended, other.Ended));
    }

    [Fact]
    public async Task Take_OfNone_DoesNotEvenBeginItsSource()
    {
        var flux = GivenFlux.Of("a");

        Assert.Empty(await flux.Take(0).ToListAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, flux.Begun);
    }

    [Fact]
    public async Task Take_LetsItsSourceGo_ThroughOtherOperators()
    {
        var flux = GivenFlux.Of("a", "b", "c", "d").With(End);

        Assert.Equal(["A", "B"], await flux.Map(text => text.ToUpperInvariant()).Tap(_ => { }).Take(2).CollectAsync(TestContext.Current.CancellationToken));
        Assert.Equal((2, 1), (flux.Taken, flux.Ended));
    }

    [Fact]
    public async Task Chain_DoesNotBeginTheNext_WhenTheFirstFails()
    {
        var next = GivenFlux.Of("b");

        var reading = await Reading.OfAsync(new GivenFlux([new FluxText("a")], fails: true).Chain(next));

        Assert.Equal((true, 1, 0), (reading.Failed, reading.Events.Count, next.Begun));
    }

    [Fact]
    public async Task Merge_ReadsASourceOn_AfterItsMetadata()
    {
        var merged = await new GivenFlux([new FluxText("a"), End, new FluxText("b")]).Merge(GivenFlux.Of("c")).CollectAsync(TestContext.Current.CancellationToken);

        Assert.Equivalent(new[] { "a", "b", "c" }, merged);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Merge_LetsTheOthersGo_WhenOneFails()
    {
        var endless = new GivenFlux([.. Enumerable.Repeat(new FluxText("x"), 100_000)]);

        var reading = await Reading.OfAsync(endless.Merge(new GivenFlux([new FluxText("a")], fails: true)));

        Assert.True(reading.Failed);
        Assert.Equal((1, 1), (endless.Begun, endless.Ended));
        Assert.True(endless.Taken < 100_000);
    }

    [Fact(Timeout = Hosting.Limits.Test)]
    public async Task Merge_IsNotHeldUp_ByASourceThatSaysNothing()
    {
        var silent = new TaskCompletionSource();

        await foreach (var each in Silent(silent.Task).Merge(GivenFlux.Of("a")))
        {
            Assert.Equal("a", Assert.IsType<FluxText>(each).Text);
            silent.SetResult();
            break;
        }
    }

    [Fact]
    public async Task Zip_PassesTheMetadataOfBoth()
    {
        var other = new FluxMetadata(null, "other-model");

        var zipped = await GivenFlux.Of("a", "b").With(End).Zip(GivenFlux.Of("1", "2").With(other), (one, two) => one + two).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal([new FluxText("a1"), new FluxText("b2"), End, other], zipped);
    }

    [Fact]
    public async Task Function_ThatFails_IsItsReadersFault_AndTheSourceIsLetGo()
    {
        var flux = GivenFlux.Of("a", "b");

        var reading = await Reading.OfAsync(flux.Map(text => text == "b" ? throw new GivenFault() : text));

        Assert.Equal((true, 1, 1), (reading.Failed, reading.Events.Count, flux.Ended));
    }

    private static async IAsyncEnumerable<FluxEvent> Silent(Task until)
    {
        await until;
        yield break;
    }
}
