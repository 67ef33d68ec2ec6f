using System.Globalization;
using System.Text.Json;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Talk;

/// <summary>What the events of a turn say.</summary>
internal static class Frames
{
    public static string Text(this JsonElement json, string property) => json.GetProperty(property).GetString()!;

    public static IReadOnlyList<JsonElement> Named(this IEnumerable<SseFrame> frames, string name) =>
        [.. frames.Where(frame => frame.Event == name).Select(frame => frame.Json)];

    /// <summary>The names in order, a run of chunks as one.</summary>
    public static IReadOnlyList<string> Outline(this IEnumerable<SseFrame> frames) =>
        [.. frames.Select(frame => frame.Event).Aggregate(new List<string>(), (names, name) => name == "chunk" && names.LastOrDefault() == name ? names : [.. names, name])];

    public static IReadOnlyList<long> Ids(this IEnumerable<SseFrame> frames) =>
        [.. frames.Select(frame => long.Parse(frame.Id!, NumberStyles.None, CultureInfo.InvariantCulture))];

    /// <summary>What the viewer shows in the end: the chunks since the last restart.</summary>
    public static string ShownText(this IReadOnlyList<SseFrame> frames) =>
        string.Concat(frames.Reverse().TakeWhile(frame => frame.Event != "restarted").Reverse().Named("chunk").Select(chunk => chunk.Text("text")));

    /// <summary>The one terminal event, which is the last.</summary>
    public static SseFrame Terminal(this IReadOnlyList<SseFrame> frames)
    {
        var terminal = Assert.Single(frames, frame => frame.Event is "complete" or "error" or "cancelled");
        Assert.Same(frames[^1], terminal);
        return terminal;
    }

    /// <summary>The turn, as its first event names it.</summary>
    public static string Turn(this IReadOnlyList<SseFrame> frames) => Assert.Single(frames.Named("accepted")).Text("turn_id");

    public static (long Input, long Output) Tokens(this JsonElement json)
    {
        var tokens = json.GetProperty("tokens");
        return (tokens.GetProperty("input").GetInt64(), tokens.GetProperty("output").GetInt64());
    }
}
