using System.Runtime.CompilerServices;

namespace Kgents.Flux;

/// <summary>One step of a <see cref="FluxOperators.Pipe"/>.</summary>
public delegate IAsyncEnumerable<FluxEvent> FluxOperator(IAsyncEnumerable<FluxEvent> source);

/// <summary>
/// What can be done with what flows out of K-gent. An operator works on the text and lets metadata pass; it is lazy; a fault of its source or of its function is its
/// reader's; who stops reading it stops its source. What is not here, System.Linq.AsyncEnumerable has. The laws stand in docs/kgentflux.md.
/// </summary>
public static class FluxOperators
{
    /// <summary>Each text changed.</summary>
    public static IAsyncEnumerable<FluxEvent> Map(this IAsyncEnumerable<FluxEvent> source, Func<string, string> change) =>
        source.Select(each => each is FluxText text ? new FluxText(change(text.Text)) : each);

    /// <summary>Only some of the texts.</summary>
    public static IAsyncEnumerable<FluxEvent> Filter(this IAsyncEnumerable<FluxEvent> source, Func<string, bool> keep) =>
        source.Where(each => each is not FluxText text || keep(text.Text));

    /// <summary>The first texts, with the metadata between them. With the last of them the source is let go, so that nobody pays for more; for none it is not even begun.</summary>
    public static IAsyncEnumerable<FluxEvent> Take(this IAsyncEnumerable<FluxEvent> source, int texts) => texts <= 0 ? AsyncEnumerable.Empty<FluxEvent>() : TakeAsync(source, texts, CancellationToken.None);

    /// <summary>Looks at each event, metadata too.</summary>
    public static IAsyncEnumerable<FluxEvent> Tap(this IAsyncEnumerable<FluxEvent> source, Action<FluxEvent> look) => source.Select(each =>
    {
        look(each);
        return each;
    });

    /// <summary>This one, then the others, each with its metadata; none is begun before its turn.</summary>
    public static IAsyncEnumerable<FluxEvent> Chain(this IAsyncEnumerable<FluxEvent> source, params IReadOnlyList<IAsyncEnumerable<FluxEvent>> others) =>
        others.Aggregate(source, (sooner, later) => sooner.Concat(later));

    /// <summary>All at once: texts as they come, and at the end one metadata for all.</summary>
    public static IAsyncEnumerable<FluxEvent> Merge(this IAsyncEnumerable<FluxEvent> source, params IReadOnlyList<IAsyncEnumerable<FluxEvent>> others) =>
        FluxMerge.Of([source, .. others], CancellationToken.None);

    /// <summary>The texts of both in pairs, until one of them ends; the metadata of both passes.</summary>
    public static IAsyncEnumerable<FluxEvent> Zip(this IAsyncEnumerable<FluxEvent> source, IAsyncEnumerable<FluxEvent> other, Func<string, string, string> join) =>
        FluxZip.Of(source, other, join, CancellationToken.None);

    /// <summary>The texts, without metadata.</summary>
    public static ValueTask<List<string>> CollectAsync(this IAsyncEnumerable<FluxEvent> source, CancellationToken cancellationToken) =>
        source.OfType<FluxText>().Select(text => text.Text).ToListAsync(cancellationToken);

    /// <summary>Through each operator, from left to right.</summary>
    public static IAsyncEnumerable<FluxEvent> Pipe(this IAsyncEnumerable<FluxEvent> source, params IReadOnlyList<FluxOperator> operators) =>
        operators.Aggregate(source, (flux, each) => each(flux));

    /// <summary>Makes an operator of what works on one text.</summary>
    public static FluxOperator Lift(Func<string, string> agent) => source => source.Map(agent);

    /// <summary>Makes an operator of an agent that answers one text with another. It is asked for one at a time, in order.</summary>
    public static FluxOperator Lift(Func<string, CancellationToken, ValueTask<string>> agent) =>
        source => source.Select(async (each, cancellationToken) => each is FluxText text ? new FluxText(await agent(text.Text, cancellationToken)) : each);

    private static async IAsyncEnumerable<FluxEvent> TakeAsync(IAsyncEnumerable<FluxEvent> source, int texts, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var each in source.WithCancellation(cancellationToken))
        {
            yield return each;
            if (each is FluxText && --texts == 0)
            {
                yield break;
            }
        }
    }
}
