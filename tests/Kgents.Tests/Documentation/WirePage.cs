using System.Reflection;
using System.Text.Json.Serialization.Metadata;

namespace Kgents.Tests.Documentation;

/// <summary>docs/wire.md, and what of the code it has to name.</summary>
internal static class WirePage
{
    public static MarkdownPage Page { get; } = MarkdownPage.Read("wire.md");

    public static IEnumerable<string> Fields(JsonTypeInfo type) => type.Properties.Where(property => property.Get is not null).OrderBy(property => property.Order).Select(property => property.Name);

    public static IEnumerable<string> Constants(Type type) => type
        .GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)
        .Where(field => field is { IsLiteral: true } && field.FieldType == typeof(string))
        .Select(field => (string)field.GetRawConstantValue()!);
}
