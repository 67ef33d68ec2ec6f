namespace Kgents.Api.Agentese;

/// <summary>A clause, <c>[phase=DEVELOP]</c>, or an annotation, <c>@span=a1</c>, behind a path. A flag that is bare has the value <c>true</c>.</summary>
/// <param name="Position">Where it begins in the path's text.</param>
internal sealed record PathModifier(string Name, string Value, bool IsAnnotation, int Position)
{
    public override string ToString() => IsAnnotation ? $"@{Name}={Value}" : $"[{Name}={Value}]";
}
