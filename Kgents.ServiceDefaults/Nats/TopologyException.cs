namespace Kgents.ServiceDefaults.Nats;

/// <summary>NATS is there, but is not what the service needs. The message is for operators: it names the stream, the setting and the way out.</summary>
public sealed class TopologyException(string message) : Exception(message);
