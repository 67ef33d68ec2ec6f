using CsCheck;
using Kgents.Flux;
using Microsoft.Extensions.AI;

namespace Kgents.Tests.Flux;

/// <summary>The laws of docs/kgentflux.md, on streams of none, one and many texts, with and without metadata, that end well or fail.</summary>
public sealed class FluxLawTests
{
    private const int Samples = 200;

    private static readonly Gen<FluxEvent> Event = Gen.Frequency(
        (4, Gen.String[Gen.Char["abc xyz"], 0, 4].Select(text => (FluxEvent)new FluxText(text))),
        (1, Gen.Int[0, 9].Select(tokens => (FluxEvent)new FluxMetadata(new UsageDetails { OutputTokenCount = tokens }, "some-model"))));

    private static readonly Gen<GivenFlux> Flux = Gen.Select(Event.List[0, 8], Gen.Bool, (events, fails) => new GivenFlux(events, fails));

    private static readonly Func<string, string>[] Agents =
        [text => text, text => text.ToUpperInvariant(), text => text + "!", _ => "", text => text.Length > 1 ? text[1..] : text + text, text => new string([.. text.Reverse()])];

    private static readonly Gen<Func<string, string>> Agent = Gen.Int[0, 5].Select(number => Agents[number]);

    private static readonly Gen<FluxOperator> Operator = Gen.OneOf(
        Agent.Select(agent => FluxOperators.Lift(agent)),
        Agent.Select(agent => FluxOperators.Lift((text, _) => ValueTask.FromResult(agent(text)))),
        Gen.Int[0, 4].Select(count => (FluxOperator)(flux => flux.Take(count))),
        Gen.Int[0, 2].Select(length => (FluxOperator)(flux => flux.Filter(text => text.Length > length))),
        Gen.Const((FluxOperator)(flux => flux.Tap(_ => { }))));

    [Fact]
    public Task Lift_OfIdentity_IsIdentity() => Flux.SampleAsync(
        async flux => await SameAsync(flux, flux.Pipe(FluxOperators.Lift(text => text))) && await SameAsync(flux, flux.Pipe(FluxOperators.Lift((text, _) => ValueTask.FromResult(text)))), iter: Samples);

    [Fact]
    public Task Lift_OfAComposition_IsTheCompositionOfLifts() => Gen.Select(Flux, Agent, Agent).SampleAsync(
        (flux, f, g) => SameAsync(flux.Pipe(FluxOperators.Lift(text => g(f(text)))), flux.Pipe(FluxOperators.Lift(f), FluxOperators.Lift(g))), iter: Samples);

    [Fact]
    public Task Lift_OfAnAsynchronousAgent_IsTheSameAsOfASynchronousOne() => Gen.Select(Flux, Agent).SampleAsync(
        (flux, f) => SameAsync(flux.Pipe(FluxOperators.Lift(f)), flux.Pipe(FluxOperators.Lift(async (text, _) =>
        {
            await Task.Yield();
            return f(text);
        }))), iter: Samples);

    [Fact]
    public Task Pipe_IsAssociative() => Gen.Select(Flux, Operator, Operator, Operator).SampleAsync(
        async (flux, f, g, h) =>
        {
            var all = await Reading.OfAsync(flux.Pipe(f, g, h));
            return all.Equals(await Reading.OfAsync(flux.Pipe(f, g).Pipe(h))) && all.Equals(await Reading.OfAsync(flux.Pipe(f).Pipe(g, h))) && all.Equals(await Reading.OfAsync(h(g(f(flux)))));
        },
        iter: Samples);

    [Fact]
    public void Pipe_OfNothing_IsTheSameStream()
    {
        var flux = GivenFlux.Of("a");

        Assert.Same(flux, flux.Pipe());
    }

    [Fact]
    public Task Metadata_PassesUnchanged_ThroughEveryOperatorThatReadsToTheEnd() => Gen.Select(Flux, Agent).SampleAsync(
        async (flux, f) =>
        {
            var before = Metadata(await Reading.OfAsync(flux));
            FluxOperator[] all =
            [
                each => each.Map(f), each => each.Filter(text => text.Length > 1), each => each.Tap(_ => { }), each => each.Take(int.MaxValue), each => each.Chain(), each => each.Chain(new GivenFlux([])),
                FluxOperators.Lift(f), FluxOperators.Lift((text, _) => ValueTask.FromResult(f(text))),
            ];
            foreach (var each in all.Append(flux => flux.Pipe(all)))
            {
                var after = Metadata(await Reading.OfAsync(each(flux)));
                if (before.Count != after.Count || !before.Zip(after).All(pair => ReferenceEquals(pair.First, pair.Second)))
                {
                    return false;
                }
            }

            return true;
        },
        iter: Samples);

    [Fact]
    public Task Fault_ComesAfterAllThatCameBeforeIt_ThroughEveryOperator() => Gen.Select(Event.List[0, 8], Agent).SampleAsync(
        async (events, f) =>
        {
            FluxOperator[] all =
            [
                each => each.Map(f), each => each.Filter(text => text.Length > 1), each => each.Tap(_ => { }), each => each.Take(int.MaxValue), each => each.Chain(),
                FluxOperators.Lift(f), FluxOperators.Lift((text, _) => ValueTask.FromResult(f(text))),
            ];
            foreach (var each in all.Append(flux => flux.Pipe(all)))
            {
                var whole = await Reading.OfAsync(each(new GivenFlux(events)));
                var failing = await Reading.OfAsync(each(new GivenFlux(events, fails: true)));
                if (!failing.Failed || !whole.Events.SequenceEqual(failing.Events))
                {
                    return false;
                }
            }

            return true;
        },
        iter: Samples);

    [Fact]
    public Task Take_ReadsNoFurtherThanItsLastText() => Gen.Select(Event.List[0, 8], Gen.Bool, Gen.Int[0, 9]).SampleAsync(
        async (events, fails, count) =>
        {
            var flux = new GivenFlux(events, fails);
            var taken = await Reading.OfAsync(flux.Take(count));
            var enough = taken.Events.OfType<FluxText>().Count() == count;
            return taken.Failed == (fails && !enough) && flux.Taken == taken.Events.Count && taken.Events.SequenceEqual(events.Take(flux.Taken)) && flux.Begun == flux.Ended;
        },
        iter: Samples);

    [Fact]
    public Task Chain_IsAssociative() => Gen.Select(Flux, Flux, Flux).SampleAsync(
        (a, b, c) => SameAsync(a.Chain(b).Chain(c), a.Chain(b.Chain(c))), iter: Samples);

    [Fact]
    public Task Merge_HasEveryTextOnce_EachSourceInItsOrder() => Gen.Select(Gen.Int[0, 6], Gen.Int[0, 6], Gen.Int[0, 6]).SampleAsync(
        async (a, b, c) =>
        {
            var merged = await Reading.OfAsync(Numbered("a", a).Merge(Numbered("b", b), Numbered("c", c)));
            var texts = merged.Events.OfType<FluxText>().Select(text => text.Text).ToList();
            var ends = merged.Events.OfType<FluxMetadata>().ToList();
            return texts.Count == a + b + c && new[] { ("a", a), ("b", b), ("c", c) }.All(source => texts.Where(text => text.StartsWith(source.Item1, StringComparison.Ordinal)).SequenceEqual(Names(source.Item1, source.Item2)))
                && ends is [{ ModelServed: "merged", Usage.OutputTokenCount: 21 }] && merged.Events[^1] == ends[0];
        },
        iter: Samples);

    [Fact]
    public Task Zip_PairsTexts_AndIsAsLongAsTheShorter() => Gen.Select(Flux, Flux).SampleAsync(
        async (left, right) =>
        {
            var (first, second) = (await Reading.OfAsync(left), await Reading.OfAsync(right));
            var zipped = await Reading.OfAsync(left.Zip(right, (one, other) => one + other));
            var pairs = Texts(first).Zip(Texts(second), (one, other) => one + other).ToList();
            return pairs.SequenceEqual(Texts(zipped)) && (zipped.Failed || Metadata(zipped).All(metadata => Metadata(first).Contains(metadata) || Metadata(second).Contains(metadata)));
        },
        iter: Samples);

    private static async Task<bool> SameAsync(IAsyncEnumerable<FluxEvent> one, IAsyncEnumerable<FluxEvent> other) => (await Reading.OfAsync(one)).Equals(await Reading.OfAsync(other));

    private static List<FluxMetadata> Metadata(Reading reading) => [.. reading.Events.OfType<FluxMetadata>()];

    private static List<string> Texts(Reading reading) => [.. reading.Events.OfType<FluxText>().Select(text => text.Text)];

    private static IEnumerable<string> Names(string source, int count) => Enumerable.Range(0, count).Select(number => $"{source}{number}");

    /// <summary>Texts with the source's name, and seven tokens.</summary>
    private static GivenFlux Numbered(string source, int count) => GivenFlux.Of([.. Names(source, count)]).With(new FluxMetadata(new UsageDetails { OutputTokenCount = 7 }, source));
}
