namespace Kgents.Standalone;

/// <summary>The nats-server that Standalone starts when <c>ConnectionStrings:nats</c> names none.</summary>
internal sealed class LocalNatsOptions
{
    public const string SectionName = "Nats";

    /// <summary>The program; by default the one on PATH.</summary>
    public string Path { get; set; } = "nats-server";

    /// <summary>Where <c>.kgents/</c> is, which holds all sessions, usage and keys; by default the current directory.</summary>
    public string Directory { get; set; } = ".";
}
