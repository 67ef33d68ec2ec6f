namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What an operator asks for until it is answered, and what it was told.</summary>
/// <param name="Kind">The last part of the path that it is asked of.</param>
/// <param name="Name">Its own: the reason, and of a correction the reference.</param>
/// <param name="Take">What is taken back, one of a field; null for all that is left.</param>
internal sealed record Decision(string Kind, ulong Sequence, string Name, string? Take)
{
    public const string Replay = "replay";
    public const string Discard = "discard";
    public const string Correct = "corrections";

    /// <summary>How often it was sent.</summary>
    public int Tries { get; set; }

    /// <summary>Of the answer.</summary>
    public int Status { get; set; }

    /// <summary>Of the correction that was made.</summary>
    public string? Id { get; set; }

    public bool IsDone => Status is >= 200 and < 300;

    public string Path => $"/v1/admin/{(Kind == Correct ? "usage" : "dead-letters")}/{Sequence}/{Kind}";

    public object Body => Kind != Correct ? new { reason = Name } : Take is null ? new { reason = Name, reference = Name } : new { reason = Name, reference = Name, quantities = new Dictionary<string, string> { [Take] = "1" } };
}
