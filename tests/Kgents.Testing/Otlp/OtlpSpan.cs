namespace Kgents.Testing;

/// <summary>A span as a process sent it.</summary>
/// <param name="Kind">1 internal, 2 server, 3 client, 4 producer, 5 consumer.</param>
/// <param name="Links">The trace ids that it links to.</param>
public sealed record OtlpSpan(
    string Service, string Source, string Trace, string Id, string Parent, string Name, int Kind, int Status, IReadOnlyDictionary<string, string> Tags, IReadOnlyList<string> Links)
{
    public string? Tag(string name) => Tags.GetValueOrDefault(name);

    public override string ToString() => $"{Service} {Source} '{Name}' {Id} under '{Parent}' in {Trace}";
}
