namespace Kgents.Testing;

/// <summary>On which side of a publish <see cref="NatsProxy"/> ends the client's world.</summary>
public enum CutPoint
{
    /// <summary>The server never sees the publish.</summary>
    BeforeForward,

    /// <summary>The server has processed the publish; the client hears nothing any more, the reply included.</summary>
    BeforeReply,
}
