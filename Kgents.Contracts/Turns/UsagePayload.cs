namespace Kgents.Contracts;

/// <summary>A usage event as it is sent: its id, which is its NATS message id, and its JSON, which every retry repeats to the byte.</summary>
public sealed record UsagePayload(string Id, string Json);
