using System.Collections.Concurrent;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What the model has said in full to one request.</summary>
internal sealed record Told(string Text, int Prompt, int Completion);

/// <summary>
/// Writes what the model says: a text of its own for every request, so that no attempt can pass for another, in pieces that break whatever
/// trims, splits or escapes wrongly.
/// </summary>
internal sealed class Babble(ChaosSettings settings)
{
    private static readonly string[] Pieces =
    [
        "word", " word", "word ", " ", "  ", "\n", "\n\n", "\r\n", "\t", "\"", "\\", "\\n", "data: x", "\n\nid: 7\n", ": ", "{\"text\":\"", "ä", "漢字", "\U0001F600", "e\u0301",
        "\u00A0", "\u200B", "\u2028", "<b>", "&amp;", "0", "-",
    ];

    private readonly ConcurrentDictionary<string, ConcurrentQueue<Told>> told = new();
    private int requests;

    /// <summary>All that was said in full to the requests of a post.</summary>
    public IReadOnlyCollection<Told> To(string key) => told.TryGetValue(key, out var each) ? each : [];

    public ModelScript Write(ModelRequest request)
    {
        var number = Interlocked.Increment(ref requests);
        var random = settings.RandomOf($"model {number}");
        string[] pieces = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.OneOf(Pieces)), $"{number}", random.OneOf(Pieces)];
        var pace = random.Between(0, 0.06);
        IEnumerable<ModelStep> says = pieces.SelectMany(piece => new ModelStep[] { new ModelStep.Token(piece), new ModelStep.Pause(random.Chance(0.05) ? 10 * pace : pace) });
        if (random.Chance(0.05))
        {
            return new ModelScript([.. says.Take(random.Next(pieces.Length)), new ModelStep.CutConnection()]);
        }

        var whole = new Told(string.Concat(pieces), random.Next(1, 1000), random.Next(1, 1000));
        told.GetOrAdd(request.Messages[^1].Content.Split(' ')[0], _ => []).Enqueue(whole);
        return new ModelScript([.. says, new ModelStep.Usage(whole.Prompt, whole.Completion)]);
    }
}
