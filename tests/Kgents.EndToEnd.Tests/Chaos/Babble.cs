using System.Collections.Concurrent;
using System.Text.Json;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Writes what the model says: a text of its own for every request, from its first piece on, so that no attempt can pass for another, in pieces that break whatever
/// trims, splits or escapes wrongly. Now and then it refuses, breaks off, falls silent, says nothing, or counts badly.
/// </summary>
internal sealed class Babble(ChaosSettings settings, FaultCounts faults)
{
    private static readonly string[] Pieces =
    [
        "word", " word", "word ", " ", "  ", "\n", "\n\n", "\r\n", "\t", "\"", "\\", "\\n", "data: x", "\n\nid: 7\n", ": ", "{\"text\":\"", "ä", "漢字", "\U0001F600", "e\u0301",
        "\u00A0", "\u200B", "\u2028", "<b>", "&amp;", "0", "-",
    ];

    private readonly ConcurrentDictionary<string, ConcurrentQueue<Told>> told = new();
    private int requests;

    /// <summary>What was said to the requests of a post.</summary>
    public IReadOnlyCollection<Told> To(string key) => told.TryGetValue(key, out var each) ? each : [];

    public ModelScript Write(ModelRequest request)
    {
        var number = Interlocked.Increment(ref requests);
        var random = settings.RandomOf($"model {number}");
        string[] pieces = [$"#{number};", .. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.OneOf(Pieces)), $"{number}", random.OneOf(Pieces)];
        var pace = random.Between(0, 0.06);
        IReadOnlyList<ModelStep> says = [.. pieces.SelectMany(piece => new ModelStep[] { new ModelStep.Token(piece), new ModelStep.Pause(random.Chance(0.05) ? 10 * pace : pace) })];
        var most = request.MaxTokens!.Value;
        var usage = Count(random, string.Concat(pieces), most);
        var (what, steps, endsWell, reports) = Choose(random, says, usage, most);
        if (what is not null)
        {
            faults.Add(what);
        }

        string[] texts = [.. new[] { "system", "messages" }.SelectMany(part => request.Json.TryGetProperty(part, out var json) ? Texts(json) : [])];
        told.GetOrAdd(texts[^1].Split(' ')[0], _ => []).Enqueue(new Told(request.Model, string.Join('\n', texts), texts.Length, most, string.Concat(pieces), endsWell, reports, settings.IsAnthropic));
        return new ModelScript(steps);
    }

    /// <summary>Each text of a request, whatever a protocol puts together.</summary>
    private static IEnumerable<string> Texts(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => [json.GetString()!],
        JsonValueKind.Array => json.EnumerateArray().SelectMany(Texts),
        JsonValueKind.Object => new[] { "content", "text" }.SelectMany(part => json.TryGetProperty(part, out var inner) ? Texts(inner) : []),
        _ => [],
    };

    /// <summary>Never more of what is visible than the text has, as anybody counts it, and seldom as much: so what the model counted, and what is counted of its text, are told apart.</summary>
    private ModelStep.Usage Count(Random random, string text, int most)
    {
        var prompt = random.Next(1, 1000);
        var visible = random.Next(1, Math.Min(Tokens.In(text), most) + 1);
        var cached = random.Chance(0.5) ? random.Next(prompt + 1) : 0;
        var reasoning = random.Chance(0.3) ? random.Next(most - visible + 1) : 0;
        var written = random.Chance(0.3) ? random.Next(prompt - cached + 1) : 0;
        return settings.IsAnthropic ? new ModelStep.Usage(prompt, visible, cached, CacheWrite: written) : new ModelStep.Usage(prompt, visible + reasoning, cached, reasoning);
    }

    /// <summary>What it does wrong, if anything; the script; whether all of it is said; and what it reports.</summary>
    private (string? What, IReadOnlyList<ModelStep> Steps, bool EndsWell, ModelStep.Usage? Reports) Choose(Random random, IReadOnlyList<ModelStep> says, ModelStep.Usage usage, int most)
    {
        IEnumerable<ModelStep> Some() => says.Take(random.Next(says.Count)).Prepend(usage);
        var tooMuch = usage with { Completion = most + random.Next(1, 1000) };
        return random.Next(100) switch
        {
            < 4 => ("model cut the connection", [.. Some(), new ModelStep.CutConnection()], false, usage),
            < 6 => ("model fell silent", [.. Some(), new ModelStep.Stall()], false, usage),
            < 7 => ("model stopped without an end", [.. Some(), new ModelStep.EndWithoutDone()], false, usage),
            < 8 => ("model wrote nonsense", [.. Some(), new ModelStep.Malformed("data: {nonsense"), new ModelStep.EndWithoutDone()], false, usage),
            < 9 => ("model said nothing", [usage], false, usage),
            < 10 => ("model refused the request", [new ModelStep.Status(400)], false, null),
            < 12 => ("model was overloaded", [new ModelStep.Status(503)], false, null),
            < 13 => ("model limited its rate", [new ModelStep.Status(429, RetryAfter: TimeSpan.FromSeconds(1))], false, null),
            < 22 when !settings.IsAnthropic => ("model reported no usage", [.. says, new ModelStep.OmitUsage()], true, null),
            >= 22 and < 25 => ("model reported more than it can make", [.. says, tooMuch], true, tooMuch),
            _ => (null, [.. says, usage], true, usage),
        };
    }
}
