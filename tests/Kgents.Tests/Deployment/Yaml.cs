using System.Text.Json;
using Kgents.Testing;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Kgents.Tests.Deployment;

/// <summary>The documents of a YAML file, as JSON.</summary>
internal static class Yaml
{
    public static string PathOf(params string[] path) => Path.Combine([Repository.Root, "deploy", .. path]);

    public static JsonElement ReadOne(params string[] path) => Assert.Single(ReadAll(File.ReadAllText(PathOf(path))));

    public static IReadOnlyList<JsonElement> ReadAll(string text)
    {
        var parser = new MergingParser(new Parser(new StringReader(text)));
        var deserializer = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();
        var serializer = new SerializerBuilder().JsonCompatible().Build();
        var documents = new List<JsonElement>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
        {
            documents.Add(JsonElement.Parse(serializer.Serialize(deserializer.Deserialize<object>(parser))));
        }

        return documents;
    }

    /// <summary>The value under a path of names.</summary>
    public static JsonElement At(this JsonElement element, params string[] path) => path.Aggregate(element, (each, name) => each.GetProperty(name));

    public static string Text(this JsonElement element, params string[] path) => element.At(path).ToString();

    /// <summary>The values that have this name, at any depth.</summary>
    public static IEnumerable<JsonElement> Everywhere(this JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => property.NameEquals(name) ? [property.Value] : property.Value.Everywhere(name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(each => each.Everywhere(name)),
        _ => [],
    };

    public static IEnumerable<string> Names(this JsonElement element) => element.EnumerateObject().Select(property => property.Name);
}
