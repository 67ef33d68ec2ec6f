namespace Kgents.Api.Agentese;

/// <summary>The clause <c>[phase=…]</c>: the soul is told in which phase of the work it is asked.</summary>
internal static class Phases
{
    public static string Told(AgentesePath path) => path.Phase is { } phase ? $"\n\nThe phase of the work is {phase}." : "";
}
