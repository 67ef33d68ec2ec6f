using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;

namespace Kgents.Tests.Hosting;

/// <summary>What a client saw of a turn.</summary>
internal sealed class Turn(IReadOnlyList<SseFrame> frames)
{
    private static readonly string[] Terminal = ["complete", "error", "cancelled"];

    public IReadOnlyList<SseFrame> Frames { get; } = frames;

    public TurnId Id => TurnId.Parse(Frames.First(frame => frame.Event == "accepted").Json.GetProperty("turn_id").GetString()!);

    public JsonElement End => Assert.Single(Frames, frame => Terminal.Contains(frame.Event)).Json;

    public string EndKind => Frames[^1].Event;

    /// <summary>The chunks since the last restart, which is the text that a client shows.</summary>
    public string Text => string.Concat(
        Frames.Skip(Frames.ToList().FindLastIndex(frame => frame.Event == "restarted") + 1).Where(frame => frame.Event == "chunk").Select(frame => frame.Json.GetProperty("text").GetString()));
}
