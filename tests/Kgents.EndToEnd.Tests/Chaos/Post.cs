namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>A message that a client sends until it is answered, and what it knows of it.</summary>
/// <param name="Key">Its Idempotency-Key, and the first word of its text.</param>
internal sealed record Post(string Session, string Key, string Model, string OnBusy, string OnDisconnect, bool Stream)
{
    public string Text => $"{Key} Say something.";

    /// <summary>How often it was sent.</summary>
    public int Tries { get; set; }

    /// <summary>Its turn, once it is accepted.</summary>
    public string? Turn { get; set; }

    /// <summary>Why it was not, once it is refused: the problem's type.</summary>
    public string? Refusal { get; set; }

    /// <summary>The status of the answer to a cancel of its turn, if somebody asked for one.</summary>
    public int? Cancelled { get; set; }
}
